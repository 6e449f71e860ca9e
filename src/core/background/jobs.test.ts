import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApp, testContext } from '../../../test/support/context.ts'
import { optional, Time } from '../contract.ts'
import { day } from '../duration.ts'
import type { AppError } from '../errors.ts'
import { job } from '../job-contract.ts'
import { Type } from '../shapes/shapes.ts'
import * as jobs from './jobs.ts'
import { createWorker } from './worker.ts'

const trial = { trial: job({}, Type.Unknown()) }
const enqueue = jobs.enqueuer(trial)
const noEvents = { events: {}, reactions: {} }

test('a job of a key exists once, however often it is enqueued', async (t) => {
  const ctx = await testContext(t)
  const first = await enqueue(ctx, { kind: 'trial', key: 'once' })
  assert.equal(await enqueue(ctx, { kind: 'trial', key: 'once' }), first)
})

test('a job is claimed by one worker only, with a lease of thirty seconds', async (t) => {
  const ctx = await testContext(t)
  await enqueue(ctx, { kind: 'trial' })
  const before = ctx.clock.wall()
  const claimed = await Promise.all([jobs.claim(ctx), jobs.claim(ctx), jobs.claim(ctx)])
  assert.equal(claimed.filter((job) => job !== undefined).length, 1)
  const row = await ctx.db.selectFrom('jobs').select('lease_until').executeTakeFirstOrThrow()
  assert.ok(Number(row.lease_until) >= before + 30_000)
})

test('a worker whose lease has run out can no longer finish the job', async (t) => {
  const ctx = await testContext(t)
  await enqueue(ctx, { kind: 'trial' })
  const lost = await jobs.claim(ctx)
  assert.ok(lost)
  await ctx.db
    .updateTable('jobs')
    .set({ lease_until: ctx.clock.wall() - 1 })
    .execute()
  assert.equal(await jobs.reclaimExpired(ctx), 1)
  const second = await jobs.claim(ctx)
  assert.ok(second && second.fence > lost.fence)
  await assert.rejects(jobs.finish(ctx, lost, { result: 'late' }), (error: AppError) => error.code === 'stale_token')
  await assert.rejects(jobs.renew(ctx, lost), (error: AppError) => error.code === 'stale_token')
  await jobs.finish(ctx, second, { result: 'done' })
  assert.equal((await jobs.getJob(ctx, second.id))?.state, 'succeeded')
})

test('a failed job is tried again later, and no more often than it may', async (t) => {
  const app = await testApp(t)
  let tries = 0
  const worker = createWorker(app.ctx, {
    ...noEvents,
    jobs: trial,
    handlers: {
      trial: async () => {
        tries += 1
        throw new Error('not today')
      },
    },
  })
  const id = await enqueue(app.ctx, { kind: 'trial', maxAttempts: 3 })
  await worker.drain()
  assert.equal(tries, 1)
  await worker.advance(new Date(app.ctx.now().getTime() + day))
  const job = await jobs.getJob(app.ctx, id)
  assert.deepEqual([tries, job?.state, job?.error], [3, 'failed', 'not today'])
})

test('a schedule ticks once per instant in its own time zone, and after a pause only for the latest missed one', async (t) => {
  const app = await testApp(t)
  const seen: unknown[] = []
  const reports = { report: job({ nominal: optional(Time) }, Type.Unknown()) }
  const worker = createWorker(app.ctx, {
    ...noEvents,
    jobs: reports,
    handlers: { report: async (_ctx, { nominal }) => void seen.push(nominal) },
  })
  const schedule = jobs.scheduler(reports)
  await schedule(app.ctx, { name: 'daily', kind: 'report', payload: {}, cron: '0 6 * * *', zone: 'Europe/Berlin' })
  await worker.advance(new Date('2026-01-03T00:00:00Z'))
  assert.deepEqual(seen, ['2026-01-01T05:00:00.000Z', '2026-01-02T05:00:00.000Z'])
  app.ctx.clock.set(new Date('2026-01-10T00:00:00Z'))
  await worker.drain()
  assert.equal(seen.length, 3)
})

test('a cron expression that cannot be read is refused', () => {
  assert.throws(() => jobs.nextTick('every day', 'UTC', new Date()), /"every day"/)
})
