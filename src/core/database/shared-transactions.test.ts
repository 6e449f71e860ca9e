import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import { appender, readEvents } from '../background/events.ts'
import { event } from '../event-contract.ts'
import { transaction } from '../transaction.ts'

const append = appender({ 'trial.happened': event('trial/<n>', 'In a trial.', {}) })

test('of transactions that arrive together each succeeds or fails alone', async (t) => {
  const ctx = await testContext(t)
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) =>
      transaction(ctx, async (ctx) => {
        await append(ctx, 'trial.happened', `trial/${index}`)
        if (index % 7 === 3) throw new Error(`no ${index}`)
        return index
      }),
    ),
  )
  const kept = Array.from({ length: 40 }, (_, index) => index).filter((index) => index % 7 !== 3)
  assert.deepEqual(
    results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    kept,
  )
  const events = await readEvents(ctx, { type: 'trial.happened' })
  assert.deepEqual(new Set(events.map(({ subject }) => subject)), new Set(kept.map((index) => `trial/${index}`)))
})

test('a transaction sees what those before it wrote, and nothing of those that failed', async (t) => {
  const ctx = await testContext(t)
  const count = async (ctx: Parameters<typeof readEvents>[0]) =>
    (await readEvents(ctx, { type: 'trial.happened' })).length
  const seen = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) =>
      transaction(ctx, async (ctx) => {
        const before = await count(ctx)
        await append(ctx, 'trial.happened', `trial/${index}`)
        if (index % 2 === 1) throw new Error('no')
        return before
      }),
    ),
  )
  const counts = seen.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  assert.deepEqual(
    counts.toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4],
  )
  assert.equal(await count(ctx), 5)
})
