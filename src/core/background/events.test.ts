import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import { afterCommit } from '../context.ts'
import { event } from '../event-contract.ts'
import { groupCommit } from '../group-commit.ts'
import { transaction } from '../transaction.ts'
import { appender, readEvents, undelivered } from './events.ts'
import { createWorker } from './worker.ts'

const events = {
  'trial.happened': event('trial/<n>', 'In a trial.', {}),
  'trial.ignored': event('trial/<n>', 'In a trial, and nothing follows.', {}),
  'trial.watched': event('trial/<n>', 'In a trial.', {}),
  'trial.row': event(['row/<n>', 'good', 'bad', 'fine'], 'In a trial.', {}),
}
const append = appender(events)
const noJobs = { jobs: {}, handlers: {} }

test('a change and its event are kept together or not at all', async (t) => {
  const ctx = await testContext(t)
  await assert.rejects(
    transaction(ctx, async (ctx) => {
      await append(ctx, 'trial.happened', 'trial/1')
      throw new Error('no')
    }),
  )
  assert.deepEqual(await readEvents(ctx, { type: 'trial.happened' }), [])
})

test('what waits for the commit never runs when there is none', async (t) => {
  const ctx = await testContext(t)
  let runs = 0
  const attempt = (fails: boolean) =>
    transaction(ctx, async (ctx) => {
      afterCommit(ctx, () => {
        runs += 1
      })
      if (fails) throw new Error('no')
    })
  await assert.rejects(attempt(true))
  await attempt(false)
  assert.equal(runs, 1)
})

test('numbers of events are in the order of commits, also when many write at once', async (t) => {
  const ctx = await testContext(t)
  await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      transaction(ctx, (ctx) => append(ctx, 'trial.happened', `trial/${index}`)),
    ),
  )
  const events = await readEvents(ctx, { type: 'trial.happened' })
  assert.equal(events.length, 30)
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map(({ seq }) => seq).sort((a, b) => a - b),
  )
})

test('an event that nothing reacts to is never in the way of others', async (t) => {
  const ctx = await testContext(t)
  const seen: string[] = []
  const worker = createWorker(ctx, {
    events,
    ...noJobs,
    reactions: { 'trial.watched': [async (_, event) => void seen.push(event.subject)] },
  })
  await transaction(ctx, (ctx) => append(ctx, 'trial.ignored', 'trial/1'))
  await transaction(ctx, (ctx) => append(ctx, 'trial.watched', 'trial/2'))
  await worker.drain()
  assert.deepEqual(seen, ['trial/2'])
  assert.deepEqual(await undelivered(ctx, 10), [])
})

test('a reaction that fails does not hold up the events beside it', async (t) => {
  const ctx = await testContext(t)
  const seen: string[] = []
  const worker = createWorker(ctx, {
    events,
    ...noJobs,
    reactions: {
      'trial.happened': [
        async (_, event) => {
          if (event.subject === 'trial/2') throw new Error('no')
          seen.push(event.subject)
        },
      ],
    },
  })
  for (const subject of ['trial/1', 'trial/2', 'trial/3'] as const)
    await transaction(ctx, (ctx) => append(ctx, 'trial.happened', subject))
  await worker.drain()
  assert.deepEqual(
    (await undelivered(ctx, 10)).map(({ subject }) => subject),
    ['trial/2'],
  )
  assert.deepEqual([...new Set(seen)], ['trial/1', 'trial/3'])
})

test('a reaction runs once per event, also when two workers look at the same outbox', async (t) => {
  const ctx = await testContext(t)
  let reactions = 0
  const options = {
    events,
    ...noJobs,
    reactions: {
      'trial.happened': [
        async (inner: typeof ctx) => {
          afterCommit(inner, () => {
            reactions += 1
          })
        },
      ],
    },
  }
  const workers = [createWorker(ctx, options), createWorker(ctx, options)]
  await append(ctx, 'trial.happened', 'trial/1')
  await Promise.all(workers.map((worker) => worker.drain()))
  assert.equal(reactions, 1)
})

test('writes that arrive together are one transaction; a bad one fails alone', async (t) => {
  const ctx = await testContext(t)
  let commits = 0
  const writer = groupCommit<`row/${number}` | 'good' | 'bad' | 'fine'>(ctx, async (ctx, rows) => {
    commits += 1
    for (const row of rows) {
      if (row === 'bad') throw new Error('bad row')
      await append(ctx, 'trial.row', row)
    }
  })
  await Promise.all(Array.from({ length: 50 }, (_, index) => writer.write(`row/${index}`)))
  assert.ok(commits < 50)
  const results = await Promise.allSettled([writer.write('good'), writer.write('bad'), writer.write('fine')])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal((await readEvents(ctx, { type: 'trial.row' })).length, 52)
})
