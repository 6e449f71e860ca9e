import { Cron } from 'croner'
import { sql } from 'kysely'
import { afterCommit, type Context } from '../context.ts'
import type { JobsTable } from '../database/database.ts'
import { AppError, invalidInput } from '../errors.ts'
import type { Job, JobInput, JobState, Jobs } from '../job-contract.ts'
import { dateOf } from '../tables/tables.ts'
import { transaction } from '../transaction.ts'
import { parse } from '../validate.ts'
import { wakeWorker } from './wake.ts'
import { checksWrites, type WriteInput } from './write-input.ts'

export const leaseMilliseconds = 30_000
const retryBaseMilliseconds = 1_000
const retryCapMilliseconds = 300_000

type Timing = {
  /** At most one job of this key ever exists; enqueuing it again returns the first. */
  key?: string
  runAt?: Date
  maxAttempts?: number
}

/** Nothing need be given where every field is optional. */
type Payload<Input> = Partial<Input> extends Input ? { payload?: WriteInput<Input> } : { payload: WriteInput<Input> }

/** The `enqueue` of a domain: it knows the domain's jobs and no others. */
export function enqueuer<J extends Jobs>(jobs: J) {
  return function enqueue<Kind extends keyof J & string>(
    ctx: Context,
    job: { kind: Kind } & Timing & Payload<JobInput<J[Kind]>>,
  ): Promise<string> {
    const { payload = {} } = job
    if (checksWrites(ctx)) checkPayload(jobs, job.kind, payload)
    return insert(ctx, { ...job, payload })
  }
}

function checkPayload(jobs: Jobs, kind: string, payload: object): void {
  const contract = jobs[kind]
  if (!contract) throw new AppError('internal', `No contract has a job "${kind}".`, { name: kind })
  parse(contract.input, payload, { code: 'internal', what: `The payload of ${kind}` })
}

async function insert(ctx: Context, job: { kind: string; payload: object } & Timing): Promise<string> {
  const id = ctx.id('job')
  const now = ctx.now().toISOString()
  await ctx.db
    .insertInto('jobs')
    .values({
      id,
      kind: job.kind,
      key: job.key ?? null,
      payload: JSON.stringify(job.payload),
      state: 'pending',
      run_at: (job.runAt ?? ctx.now()).toISOString(),
      attempts: 0,
      max_attempts: job.maxAttempts ?? 5,
      fence: 0,
      lease_until: 0,
      progress: null,
      result: null,
      error: null,
      created_at: now,
      finished_at: null,
    })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  afterCommit(ctx, () => wakeWorker(ctx))
  if (job.key === undefined) return id
  const row = await ctx.db.selectFrom('jobs').select('id').where('key', '=', job.key).executeTakeFirstOrThrow()
  return row.id
}

export async function getJob(ctx: Context, id: string): Promise<Job | undefined> {
  const row = await ctx.db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toJob(row)
}

/** When the next pending job is due, as business time. */
export async function nextDue(ctx: Context): Promise<Date | undefined> {
  const row = await ctx.db
    .selectFrom('jobs')
    .select('run_at')
    .where(inState('pending'))
    .orderBy('run_at')
    .limit(1)
    .executeTakeFirst()
  return row && dateOf(row.run_at)
}

/** Written out: SQLite looks into the indexes of what is due and what is leased only when the query says so. */
const inState = (state: JobState) => sql<boolean>`state = ${sql.lit(state)}`

/** Takes the job that is due longest, with a lease and a new fencing token. */
export async function claim(ctx: Context): Promise<Job | undefined> {
  // Nearly every look finds nothing, and needs no transaction to find it.
  const next = await nextDue(ctx)
  if (next === undefined || next > ctx.now()) return undefined
  return transaction(ctx, async (ctx) => {
    const { rows } = await sql<{ id: string }>`
      select id from jobs where state = 'pending' and run_at <= ${ctx.now().toISOString()}
      order by run_at, id limit 1 ${sql.raw(ctx.engine.claimClause)}`.execute(ctx.db)
    const due = rows[0]
    if (!due) return undefined
    const row = await ctx.db
      .updateTable('jobs')
      .set((eb) => ({
        state: 'running',
        attempts: eb('attempts', '+', 1),
        fence: eb('fence', '+', 1),
        lease_until: ctx.clock.wall() + leaseMilliseconds,
      }))
      .where('id', '=', due.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    return toJob(row)
  })
}

/** Extends the lease; a stale token is refused, so a worker that was thought dead stops. */
export async function renew(ctx: Context, job: Job, progress?: Job['progress']): Promise<void> {
  const { numUpdatedRows } = await ctx.db
    .updateTable('jobs')
    .set({
      lease_until: ctx.clock.wall() + leaseMilliseconds,
      ...(progress ? { progress: JSON.stringify(progress) } : {}),
    })
    .where('id', '=', job.id)
    .where('fence', '=', job.fence)
    .where('state', '=', 'running')
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw staleToken(job)
}

export async function finish(
  ctx: Context,
  job: Job,
  outcome: { result: unknown } | { error: string; retry: boolean },
): Promise<JobState> {
  return transaction(ctx, async (ctx) => {
    const row = await ctx.db.selectFrom('jobs').selectAll().where('id', '=', job.id).executeTakeFirst()
    if (!row || row.fence !== job.fence || row.state !== 'running') throw staleToken(job)
    const now = ctx.now().toISOString()
    if ('result' in outcome) {
      const result = JSON.stringify(outcome.result ?? null)
      await update(ctx, job, { state: 'succeeded', result, error: null, finished_at: now })
      return 'succeeded'
    }
    if (outcome.retry && row.attempts < row.max_attempts) {
      const runAt = new Date(ctx.now().getTime() + retryDelay(ctx, row.attempts)).toISOString()
      await update(ctx, job, { state: 'pending', run_at: runAt, error: outcome.error })
      return 'pending'
    }
    await update(ctx, job, { state: 'failed', error: outcome.error, finished_at: now })
    return 'failed'
  })
}

/** Exponential backoff with full jitter, in milliseconds. */
function retryDelay(ctx: Context, attempts: number): number {
  return Math.round(ctx.random() * Math.min(retryCapMilliseconds, retryBaseMilliseconds * 2 ** attempts))
}

async function update(ctx: Context, job: Job, values: Partial<JobsTable>): Promise<void> {
  await ctx.db.updateTable('jobs').set(values).where('id', '=', job.id).where('fence', '=', job.fence).execute()
}

function staleToken(job: Job): AppError {
  return new AppError('stale_token', `The job "${job.id}" is held by another worker.`, { name: job.id })
}

/** Gives work whose worker died back to the queue. Returns how many. */
export async function reclaimExpired(ctx: Context): Promise<number> {
  const { numUpdatedRows } = await ctx.db
    .updateTable('jobs')
    .set({ state: 'pending' })
    .where(inState('running'))
    .where('lease_until', '<', ctx.clock.wall())
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/** On an embedded database the lock file proves that no other worker lives: leases of the last process are void. */
export async function reclaimAll(ctx: Context): Promise<void> {
  await ctx.db.updateTable('jobs').set({ state: 'pending', lease_until: 0 }).where('state', '=', 'running').execute()
}

type Schedule = { name: string; kind: string; payload: object; cron: string; zone?: string }

/** The `schedule` of a domain. The instant that a job is for comes to its payload as `nominal`. */
export function scheduler<J extends Jobs>(jobs: J) {
  return function schedule<Kind extends keyof J & string>(
    ctx: Context,
    given: Omit<Schedule, 'kind' | 'payload'> & { kind: Kind; payload: WriteInput<Omit<JobInput<J[Kind]>, 'nominal'>> },
  ): Promise<void> {
    if (checksWrites(ctx)) checkPayload(jobs, given.kind, given.payload)
    return declare(ctx, given)
  }
}

/** Declares or changes a schedule; the tick of one instant is enqueued exactly once. */
async function declare(ctx: Context, { name, kind, payload, cron, zone = 'UTC' }: Schedule): Promise<void> {
  const next = nextTick(cron, zone, ctx.now())
  const row = { name, kind, payload: JSON.stringify(payload), cron, zone, next_at: next.toISOString(), paused: 0 }
  await transaction(ctx, async (ctx) => {
    const old = await ctx.db.selectFrom('schedules').selectAll().where('name', '=', name).executeTakeFirst()
    if (old && old.cron === cron && old.zone === zone && old.payload === row.payload && old.kind === kind) return
    await ctx.db.deleteFrom('schedules').where('name', '=', name).execute()
    await ctx.db.insertInto('schedules').values(row).execute()
  })
}

export async function unschedule(ctx: Context, name: string): Promise<void> {
  await ctx.db.deleteFrom('schedules').where('name', '=', name).execute()
}

/** When the next schedule ticks, as business time. */
export async function nextScheduled(ctx: Context): Promise<Date | undefined> {
  const row = await ctx.db
    .selectFrom('schedules')
    .select('next_at')
    .where('paused', '=', 0)
    .orderBy('next_at')
    .limit(1)
    .executeTakeFirst()
  return row && dateOf(row.next_at)
}

/** Enqueues every tick that is due: after a pause only the latest missed one. */
export async function tick(ctx: Context): Promise<void> {
  const now = ctx.now()
  const due = await ctx.db
    .selectFrom('schedules')
    .selectAll()
    .where('paused', '=', 0)
    .where('next_at', '<=', now.toISOString())
    .execute()
  for (const row of due) {
    await transaction(ctx, async (ctx) => {
      const payload = { ...(JSON.parse(row.payload) as Record<string, unknown>), nominal: row.next_at }
      await insert(ctx, {
        kind: row.kind,
        payload,
        key: `schedule/${row.name}/${row.next_at}`,
        runAt: dateOf(row.next_at),
      })
      const next = nextTick(row.cron, row.zone, now)
      await ctx.db.updateTable('schedules').set({ next_at: next.toISOString() }).where('name', '=', row.name).execute()
    })
  }
}

/** The first instant strictly after `after` that the cron expression names, in its own time zone. */
export function nextTick(cron: string, zone: string, after: Date): Date {
  if (!isZone(zone))
    throw invalidInput(`"${zone}" is not a time zone.`, { name: zone, hint: 'Such as UTC or Europe/Berlin.' })
  let next: Date | null
  try {
    next = new Cron(cron, { timezone: zone, paused: true }).nextRun(after)
  } catch (cause) {
    throw invalidInput(`The schedule "${cron}" is not a cron expression.`, { name: cron, cause })
  }
  if (!next) throw invalidInput(`The schedule "${cron}" never comes.`, { name: cron })
  return next
}

function toJob(row: JobsTable): Job {
  return {
    id: row.id,
    kind: row.kind,
    key: row.key,
    payload: JSON.parse(row.payload) as Record<string, unknown>,
    state: row.state as JobState,
    runAt: row.run_at,
    attempts: row.attempts,
    fence: row.fence,
    progress: row.progress === null ? null : (JSON.parse(row.progress) as Job['progress']),
    result: row.result === null ? null : JSON.parse(row.result),
    error: row.error,
  }
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined
  } catch {
    return false
  }
}
