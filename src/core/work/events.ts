import { sql } from 'kysely'
import { afterCommit, type Context } from '../context.ts'
import { following, wakeWorker, wakeWorkerSoon } from './wake.ts'

/** Audit log, feed and outbox in one: appended in the transaction of the change it tells of. */
export type Event = {
  seq: number
  at: string
  type: string
  subject: string
  actor: string
  cause: string
  data: Record<string, unknown>
}

/** `subject` names the thing, as in `model/flight-delay`; `type` says what happened to it, as in `delivery.rolled_back`. */
export async function append(
  ctx: Context,
  type: string,
  subject: string,
  data: Record<string, unknown> = {},
): Promise<void> {
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

/** The oldest events that no reaction has seen yet. */
export async function undelivered(ctx: Context, limit: number): Promise<Event[]> {
  const rows = await ctx.db
    .selectFrom('events')
    .selectAll()
    .where('delivered', '=', 0)
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
