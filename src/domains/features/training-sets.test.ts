import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { testApp, testContext, testServer } from '../../../test/support/context.ts'
import type { Context } from '../../core/context.ts'
import * as datasets from '../datasets/datasets.ts'
import * as features from './features.ts'

const at = (minutes: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + minutes * 60_000).toISOString()

type Balance = { minute: number; amount: number }

/** Orders are the examples; what they are joined to is another source, which goes on growing. */
async function prepare(ctx: Context): Promise<void> {
  const owner = 'ana@team.example'
  await datasets.applySource(ctx, { source: 'orders', owner, time: 'ordered' })
  await datasets.applySource(ctx, { source: 'balances', owner, time: 'at', known_at: 'at' })
  await features.applyFeatures(ctx, {
    entities: [{ name: 'user', keys: ['user'] }],
    views: [{ name: 'balance', entity: 'user', source: 'balances', features: ['amount'] }],
    services: [{ name: 's', request: [{ name: 'user', type: 'string' as const }], features: ['balance:amount'] }],
  })
}

const orders = (ctx: Context, minutes: number[]) =>
  datasets.append(ctx, {
    source: 'orders',
    rows: minutes.map((minute) => ({ user: 'u', ordered: at(minute), late: minute % 2 })),
  })

const balances = (ctx: Context, rows: Balance[]) =>
  datasets.append(ctx, {
    source: 'balances',
    rows: rows.map(({ minute, amount }) => ({ user: 'u', at: at(minute), amount })),
  })

const request = { service: 's', source: 'orders', from: at(0), to: at(10_000), label: 'late' }

/** As the manifest of a set says it. */
const boundsOf = ({ sources }: Awaited<ReturnType<typeof features.getTrainingSet>>) =>
  Object.fromEntries(sources.map(({ source, uptoSeq }) => [source, uptoSeq]))

async function restated(ctx: Context) {
  await prepare(ctx)
  await orders(ctx, [10, 20, 31])
  await balances(ctx, [{ minute: 5, amount: 1 }])
  const set = await features.createTrainingSet(ctx, request)
  // Later somebody corrects what was so at a time in the past.
  await balances(ctx, [{ minute: 15, amount: 2 }])
  return set
}

test('a set that is asked for again by its manifest is the same bytes, although another source has grown', async (t) => {
  const ctx = await testContext(t)
  const set = await restated(ctx)
  assert.deepEqual(boundsOf(set), { orders: 3, balances: 1 })
  const again = await features.createTrainingSet(ctx, { ...request, sources: boundsOf(set) })
  assert.equal(again.digest, set.digest)
  assert.deepEqual(again.sources, set.sources)
  assert.deepEqual((await features.getTrainingSet(ctx, { trainingSet: set.id })).sources, set.sources)
})

test('the same bound of the examples is the same bytes too: the first set of it fixed where the others end', async (t) => {
  const ctx = await testContext(t)
  const set = await restated(ctx)
  const fresh = await features.createTrainingSet(ctx, request)
  assert.notEqual(fresh.digest, set.digest)
  assert.deepEqual(boundsOf(fresh), { orders: 3, balances: 2 })
  assert.equal((await features.createTrainingSet(ctx, { ...request, uptoSeq: set.uptoSeq })).digest, set.digest)
})

test('the manifest has a digest of what was read of each source: other rows change it, a new column does not', async (t) => {
  const ctx = await testContext(t)
  const set = await restated(ctx)
  await datasets.append(ctx, { source: 'balances', rows: [{ user: 'v', at: at(16), amount: 3, note: 'new' }] })
  const same = await features.createTrainingSet(ctx, { ...request, sources: boundsOf(set) })
  assert.deepEqual(same.sources, set.sources)
  const fresh = await features.createTrainingSet(ctx, request)
  assert.equal(fresh.sources[0]?.digest, set.sources[0]?.digest)
  assert.notEqual(fresh.sources[1]?.digest, set.sources[1]?.digest)
})

test('numbers that come later do not make other bytes of the integers that were read', async (t) => {
  const ctx = await testContext(t)
  const set = await restated(ctx)
  await balances(ctx, [{ minute: 16, amount: 2.5 }])
  const again = await features.createTrainingSet(ctx, { ...request, sources: boundsOf(set) })
  assert.deepEqual([again.digest, again.sources], [set.digest, set.sources])
})

test('a bound of a source that the service does not read, or beyond its end, is refused by name', async (t) => {
  const ctx = await testContext(t)
  await restated(ctx)
  await assert.rejects(features.createTrainingSet(ctx, { ...request, sources: { balance: 1 } }), {
    message: 'The source "balance" is not read by the service "s".',
    hint: /"balances"/,
  })
  await assert.rejects(
    features.createTrainingSet(ctx, { ...request, sources: { balances: 9 } }),
    /"balances" has rows up to 2, not up to 9/,
  )
})

test('a set of an earlier version says what it kept: the bound of its examples, without a digest', async (t) => {
  const ctx = await testContext(t)
  const set = await restated(ctx)
  await ctx.db
    .withTables<{ training_sets: { sources: null } }>()
    .updateTable('training_sets')
    .set({ sources: null })
    .execute()
  const { sources } = await features.getTrainingSet(ctx, { trainingSet: set.id })
  assert.deepEqual(sources, [{ source: 'orders', uptoSeq: 3, digest: null }])
})

test('whatever is appended, compacted and made in whatever order, every set can be made again', async (t) => {
  const act = fc.oneof(
    fc.record({ orders: fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 5 }) }),
    fc.record({
      balances: fc.array(
        fc.record({
          minute: fc.integer({ min: 0, max: 500 }),
          amount: fc.integer({ min: -9, max: 9 }).map((half) => half / 2),
        }),
        {
          minLength: 1,
          maxLength: 5,
        },
      ),
    }),
    fc.constantFrom('make', 'compact'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 12 }), async (acts) => {
      const app = await testApp(t)
      const { ctx } = app
      await prepare(ctx)
      await orders(ctx, [10, 20])
      await balances(ctx, [{ minute: 5, amount: 1 }])
      const made = [await features.createTrainingSet(ctx, request)]
      for (const one of acts) {
        if (one === 'make') made.push(await features.createTrainingSet(ctx, request))
        else if (one === 'compact') await datasets.compactSource(ctx, { source: 'balances' })
        else if ('orders' in one) await orders(ctx, one.orders)
        else await balances(ctx, one.balances)
      }
      for (const set of made) {
        const again = await features.createTrainingSet(ctx, { ...request, sources: boundsOf(set) })
        assert.deepEqual([again.digest, again.sources], [set.digest, set.sources])
      }
      await app.close()
    }),
    { numRuns: 8 },
  )
})

test('a download has every row in order, its size, and leaves no file behind, also when nobody reads it to the end', async (t) => {
  const { app, client } = await testServer(t)
  await prepare(app.ctx)
  await orders(app.ctx, [10, 20, 31])
  await balances(app.ctx, [{ minute: 15, amount: 2 }])
  const { id: trainingSet } = await features.createTrainingSet(app.ctx, request)
  const response = await client.features.downloadTrainingSet({ trainingSet })
  const text = await response.text()
  assert.equal(Number(response.headers.get('content-length')), Buffer.byteLength(text))
  const times = [10, 20, 31].map((minute) => at(minute))
  assert.deepEqual(text.trim().split('\n'), [
    'seq,time,user,amount,late',
    `1,${times[0]},u,,0`,
    `2,${times[1]},u,2,0`,
    `3,${times[2]},u,2,1`,
  ])
  const { stream } = await features.downloadTrainingSet(app.ctx, { trainingSet })
  assert.ok(typeof stream !== 'function')
  await new Promise((resolve) => stream.once('close', resolve).destroy())
  assert.deepEqual(readdirSync(join(app.ctx.folder, 'tmp')), [])
})
