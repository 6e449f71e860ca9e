import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { testContext } from '../../../test/support/context.ts'
import type { Context } from '../context.ts'
import { object, optional } from '../contract.ts'
import { day } from '../duration.ts'
import { event, nameIn } from '../event-contract.ts'
import { job } from '../job-contract.ts'
import { Type } from '../shapes/shapes.ts'
import { appender, latestOf } from './events.ts'
import { enqueuer, getJob } from './jobs.ts'
import { createWorker } from './worker.ts'

const Place = object({ city: Type.String() })
const events = {
  'trial.moved': event('trial/<trial>', 'It moved.', { to: Type.String(), place: optional(Place) }),
}
const jobs = { 'trial.move': job({ to: Type.String() }, object({ moved: Type.Boolean() })) }
const append = appender(events)
const enqueue = enqueuer(jobs)

/** Data as another version wrote them: past the compiler and past the checks of tests. */
async function storeEvent(ctx: Context, data: object): Promise<void> {
  await sql`insert into events (at, type, subject, actor, cause, request_id, data, delivered)
    values (${ctx.now().toISOString()}, 'trial.moved', 'trial/1', 'ana', 'test', 'test', ${JSON.stringify(data)}, 0)`.execute(
    ctx.db,
  )
}

function workerOf(ctx: Context) {
  const seen: string[] = []
  const worker = createWorker(ctx, {
    events,
    jobs,
    reactions: { 'trial.moved': [async (_, { subject, data }) => void seen.push(`${nameIn(subject)} to ${data.to}`)] },
    handlers: { 'trial.move': async (_, { to }) => ({ moved: seen.push(`job to ${to}`) > 0 }) },
  })
  return { worker, seen }
}

test('what is appended in a test is compared with its contract: fields, and what it is about', async (t) => {
  const ctx = await testContext(t)
  const more = { to: 'b', from: 'a' }
  await assert.rejects(append(ctx, 'trial.moved', 'trial/1', more), /"from" is not a known name/)
  await assert.rejects(append(ctx, 'trial.moved', 'trial/', { to: 'b' }), /has no subject "trial\/"/)
  await append(ctx, 'trial.moved', 'trial/1', { to: 'b', place: undefined })
})

test('fields of a newer version are no error, at any depth', async (t) => {
  const ctx = await testContext(t)
  const { worker, seen } = workerOf(ctx)
  await storeEvent(ctx, { to: 'b', from: 'a', place: { city: 'x', street: 'y' } })
  await worker.drain()
  assert.deepEqual(seen, ['1 to b'])
})

test('an event that does not fit its contract is passed over, and is not tried for ever', async (t) => {
  const ctx = await testContext(t)
  const { worker, seen } = workerOf(ctx)
  await storeEvent(ctx, { target: 'b' })
  await storeEvent(ctx, { to: 'c' })
  await worker.drain()
  assert.deepEqual(seen, ['1 to c'])
  const waiting = await ctx.db.selectFrom('events').select('seq').where('delivered', '=', 0).execute()
  assert.deepEqual(waiting, [])
})

test('what a list of history reads is what fits: the rest is undefined, and no event is left out', async (t) => {
  const ctx = await testContext(t)
  await storeEvent(ctx, { target: 'a' })
  await storeEvent(ctx, { to: 7, place: { city: 'x', street: 'y' } })
  await append(ctx, 'trial.moved', 'trial/1', { to: 'c' })
  const found = await latestOf(ctx, events, { type: 'trial.moved' })
  assert.deepEqual(
    found.map(({ data }) => data),
    [{ to: 'c' }, { place: { city: 'x', street: 'y' } }, {}],
  )
})

test('a job whose payload does not fit fails once, with the name of the field', async (t) => {
  const ctx = await testContext(t)
  const { worker, seen } = workerOf(ctx)
  const id = await enqueue(ctx, { kind: 'trial.move', payload: { to: 'b' } })
  await ctx.db
    .updateTable('jobs')
    .set({ payload: JSON.stringify({ target: 'b' }) })
    .execute()
  await worker.drain()
  await worker.advance(new Date(ctx.now().getTime() + day))
  const job = await getJob(ctx, id)
  assert.deepEqual(
    [job?.state, job?.attempts, job?.error],
    ['failed', 1, 'The payload of a job trial.move: "to" is missing.'],
  )
  assert.deepEqual(seen, [])
})
