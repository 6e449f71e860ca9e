import { statfs } from 'node:fs/promises'
import { sql } from 'kysely'
import { type Context, liveValue } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, notFound } from '../../core/errors.ts'
import { getJob as findJob, latestEvents, readEvents, type Worker } from '../../core/work/work.ts'
import { version } from '../../version.ts'
import type { system } from './contract.ts'

type Operations = typeof system

export function info(ctx: Context): Output<Operations['info']> {
  return {
    version,
    now: ctx.now().toISOString(),
    simulated: ctx.clock.simulated,
    database: ctx.engine.name,
    pid: process.pid,
    project: ctx.root,
  }
}

type Holder = { worker: Worker | undefined; url: string }

function holder(ctx: Context): Holder {
  return liveValue(ctx, 'system.worker', () => ({ worker: undefined, url: '' }))
}

/** The composition root hands over the worker, which owns the order of due work. */
export function provideWorker(ctx: Context, worker: Worker): void {
  holder(ctx).worker = worker
}

/** Where this server answers; what it starts (pipeline steps) calls back here. */
export function provideAddress(ctx: Context, url: string): void {
  holder(ctx).url = url
}

export function address(ctx: Context): string {
  return holder(ctx).url
}

export async function advanceClock(
  ctx: Context,
  { to }: Input<Operations['advanceClock']>,
): Promise<Output<Operations['advanceClock']>> {
  const { worker } = holder(ctx)
  if (!ctx.clock.simulated || !worker) {
    throw new AppError('refused_by_policy', 'This server runs on the real clock, which nobody moves.', {
      hint: 'Start a replay server with "keel up --clock simulated".',
    })
  }
  const target = new Date(to)
  if (target < ctx.now()) {
    throw new AppError('conflict', `The clock is at ${ctx.now().toISOString()} and never goes back.`, { name: to })
  }
  // Saved first: a server that starts after a crash is never earlier than what anybody saw.
  await worker.advance(target, (instant) => saveClock(ctx, instant))
  return { now: ctx.now().toISOString() }
}

const beginningOfReplays = '2001-01-01T00:00:00.000Z'

/** Marks the folder as a replay, at its beginning unless it has begun. */
export async function keepSimulated(ctx: Context): Promise<void> {
  await ctx.db
    .insertInto('clock')
    .values({ id: 1, now: beginningOfReplays })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

/** Where the simulated clock of this folder stood when it was last saved, or the newest event if that is later. */
export async function savedClock(ctx: Context): Promise<Date | undefined> {
  const saved = await ctx.db.selectFrom('clock').select('now').where('id', '=', 1).executeTakeFirst()
  if (!saved) return undefined
  const latest = await ctx.db.selectFrom('events').select(ctx.db.fn.max('at').as('at')).executeTakeFirst()
  return new Date(latest?.at && latest.at > saved.now ? latest.at : saved.now)
}

async function saveClock(ctx: Context, instant: Date): Promise<void> {
  const now = instant.toISOString()
  await ctx.db
    .insertInto('clock')
    .values({ id: 1, now })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ now }))
    .execute()
}

type AuditLog = Output<Operations['events']>

export async function listEvents(
  ctx: Context,
  { after, limit = 100, ...filter }: Input<Operations['events']>,
): Promise<AuditLog> {
  const found =
    after === undefined
      ? await latestEvents(ctx, { limit, ...filter })
      : await readEvents(ctx, { after, limit, ...filter })
  const last = found.at(-1)
  return { items: found, ...(last && found.length === limit ? { next: String(last.seq) } : {}) }
}
export { listEvents as events }

export async function getJob(
  ctx: Context,
  { job }: Input<Operations['getJob']>,
): Promise<Output<Operations['getJob']>> {
  const found = await findJob(ctx, job)
  if (!found) throw notFound('Job', job)
  const { id, kind, state, runAt, attempts, progress, result, error } = found
  return { id, kind, state, runAt, attempts, progress, result, error }
}

type Finding = Output<Operations['doctor']>['findings'][number]

const lowSpaceBytes = 1024 ** 3

export async function doctor(ctx: Context): Promise<Output<Operations['doctor']>> {
  return { findings: [await checkDatabase(ctx), await checkSpace(ctx), await checkJobs(ctx), await checkBlobs(ctx)] }
}

async function checkDatabase(ctx: Context): Promise<Finding> {
  if (ctx.engine.name === 'postgres') {
    await sql`select 1`.execute(ctx.db)
    return { check: 'database', state: 'ok', message: 'PostgreSQL answers.' }
  }
  const { rows } = await sql<{ quick_check: string }>`pragma quick_check`.execute(ctx.db)
  const intact = rows[0]?.quick_check === 'ok'
  return intact
    ? { check: 'database', state: 'ok', message: 'SQLite, WAL, synchronous=FULL; integrity ok.' }
    : { check: 'database', state: 'fail', message: 'SQLite reports damage.', fix: 'keel restore <backup>' }
}

async function checkSpace(ctx: Context): Promise<Finding> {
  const { bavail, bsize } = await statfs(ctx.folder)
  const free = bavail * bsize
  const message = `${(free / 1024 ** 3).toFixed(1)} GiB free in ${ctx.folder}`
  return { check: 'space', state: free < lowSpaceBytes ? 'warn' : 'ok', message }
}

async function checkJobs(ctx: Context): Promise<Finding> {
  const failed = await ctx.db
    .selectFrom('jobs')
    .select(ctx.db.fn.countAll<number>().as('n'))
    .where('state', '=', 'failed')
    .executeTakeFirstOrThrow()
  const n = Number(failed.n)
  return n === 0
    ? { check: 'jobs', state: 'ok', message: 'No failed background work.' }
    : {
        check: 'jobs',
        state: 'warn',
        message: `${n} pieces of background work failed.`,
        fix: 'keel api system.events --json',
      }
}

const blobSample = 20

async function checkBlobs(ctx: Context): Promise<Finding> {
  let checked = 0
  for await (const { digest } of ctx.blobs.list()) {
    if (!(await ctx.blobs.verify(digest))) {
      return {
        check: 'artifacts',
        state: 'fail',
        message: `The bytes of ${digest} are damaged.`,
        fix: 'keel restore <backup>',
      }
    }
    checked += 1
    if (checked >= blobSample) break
  }
  return { check: 'artifacts', state: 'ok', message: `${checked} blobs re-hashed, all as named.` }
}
