import { sql } from 'kysely'
import { afterCommit, type Context } from '../context.ts'
import { AppError } from '../errors.ts'
import { type DataOf, type Event, type EventOf, type Events, isSubject, type SubjectOf } from '../event-contract.ts'
import { fits, opened, parse } from '../validate.ts'
import { following, wakeWorker, wakeWorkerSoon } from './wake.ts'
import { checksWrites, type DataArgument, type WriteInput } from './write-input.ts'

/** The `append` of a domain: it knows the domain's events and no others. */
export function appender<E extends Events>(events: E) {
  /** `subject` names the thing, as in `model/flight-delay`; `type` says what happened to it, as in `delivery.rolled_back`. */
  return async function append<Type extends keyof E & string>(
    ctx: Context,
    type: Type,
    subject: SubjectOf<E[Type]>,
    ...[data]: DataArgument<WriteInput<DataOf<E[Type]>>>
  ): Promise<void> {
    const made = { type, subject, data: data ?? {} }
    if (checksWrites(ctx)) checkEvent(events, made)
    await insert(ctx, made)
  }
}

type NewEvent = { type: string; subject: string; data: object }

function checkEvent(events: Events, { type, subject, data }: NewEvent): void {
  const contract = events[type]
  if (!contract) throw new AppError('internal', `No contract has an event "${type}".`, { name: type })
  parse(contract.data, data, { code: 'internal', what: `The event ${type}` })
  if (!isSubject(subject, contract.subjects))
    throw new AppError('internal', `The event ${type} has no subject "${subject}".`, { name: subject })
}

async function insert(ctx: Context, { type, subject, data }: NewEvent): Promise<void> {
  if (ctx.engine.eventLock) await sql.raw(ctx.engine.eventLock).execute(ctx.db)
  const followed = following(ctx, type)
  await sql`insert into events (at, type, subject, actor, cause, request_id, data, delivered)
    values (${ctx.now().toISOString()}, ${type}, ${subject}, ${ctx.actor.name}, ${ctx.cause}, ${ctx.requestId}, ${JSON.stringify(data)}, ${followed === 'none' ? 1 : 0})`.execute(
    ctx.db,
  )
  if (followed === 'type') afterCommit(ctx, () => wakeWorker(ctx))
  if (followed === 'all') afterCommit(ctx, () => wakeWorkerSoon(ctx))
}

type Filter = { after?: number | undefined; limit?: number; subject?: string | undefined; type?: string | undefined }

/** Oldest first, after a sequence number: what a follower reads. */
export async function readEvents(ctx: Context, { after = 0, limit = 100, subject, type }: Filter): Promise<Event[]> {
  let query = ctx.db.selectFrom('events').selectAll().where('seq', '>', after).orderBy('seq').limit(limit)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (type !== undefined) query = query.where('type', '=', type)
  return (await query.execute()).map(toEvent)
}

export async function latestEvents(ctx: Context, { limit = 100, subject, type }: Filter): Promise<Event[]> {
  let query = ctx.db.selectFrom('events').selectAll().orderBy('seq', 'desc').limit(limit)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (type !== undefined) query = query.where('type', '=', type)
  return (await query.execute()).map(toEvent)
}

/** As an earlier version may have written it: what is missing, or is not as we know it, is undefined. */
export type StoredEvent<E extends Events, Type extends keyof E = keyof E> = Type extends keyof E & string
  ? Omit<EventOf<E, Type>, 'data'> & { data: Partial<DataOf<E[Type]>> }
  : never

type EventQuery<Type> = { type: Type; subject?: string | undefined; limit?: number }

/** The newest first, of all versions that ever wrote here. */
export async function latestOf<E extends Events, Type extends keyof E & string>(
  ctx: Context,
  events: E,
  wanted: EventQuery<Type>,
): Promise<StoredEvent<E, Type>[]> {
  const fields = Object.entries(events[wanted.type]?.data.properties ?? {})
  const found = await latestEvents(ctx, wanted)
  return found.map(({ data, ...event }) => {
    const known = fields.filter(([name, schema]) => name in data && fits(opened(schema), data[name]))
    return { ...event, data: Object.fromEntries(known.map(([name]) => [name, data[name]])) } as StoredEvent<E, Type>
  })
}

/** The oldest events that no reaction has seen yet. */
export async function undelivered(ctx: Context, limit: number): Promise<Event[]> {
  const rows = await ctx.db
    .selectFrom('events')
    .selectAll()
    // Written out: SQLite looks into the index of what waits only when the query says so.
    .where((eb) => eb('delivered', '=', eb.lit(0)))
    .orderBy('seq')
    .limit(limit)
    .execute()
  return rows.map(toEvent)
}

/** False when another server was first. */
export async function markDelivered(ctx: Context, seq: number): Promise<boolean> {
  const { numUpdatedRows } = await ctx.db
    .updateTable('events')
    .set({ delivered: 1 })
    .where('seq', '=', seq)
    .where('delivered', '=', 0)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

function toEvent(row: {
  seq: number
  at: string
  type: string
  subject: string
  actor: string
  cause: string
  data: string
}): Event {
  const { seq, at, type, subject, actor, cause } = row
  return { seq: Number(seq), at, type, subject, actor, cause, data: JSON.parse(row.data) as Record<string, unknown> }
}
