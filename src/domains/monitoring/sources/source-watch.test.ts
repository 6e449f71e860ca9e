import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../../test/support/context.ts'
import { day } from '../../../core/duration.ts'
import { createRandom } from '../../../core/stats/random.ts'
import * as datasets from '../../datasets/datasets.ts'
import * as store from '../store.ts'
import { spreadFollows, unitFactor } from './source-rules.ts'

type Row = Record<string, unknown>

/** A source that gets rows every day; `arrive` changes them first. */
async function begin(t: TestContext) {
  const server = await testServer(t)
  const { ctx, worker } = server.app
  await datasets.applySource(ctx, { source: 'orders', owner: 'ana@team.example', time: 'at', key: ['id'] })
  const random = createRandom(3)
  let id = 0
  const row = (): Row => {
    id += 1
    return {
      id: `o${id}`,
      at: ctx.now().toISOString(),
      price: 10 + 5 * random(),
      plan: ['free', 'team', 'firm'][Math.floor(3 * random())],
      note: random() < 0.1 ? null : 'x',
    }
  }
  const arrive = async (days: number, change: (row: Row, index: number) => Row = (row) => row, rows = 400) => {
    for (let count = 0; count < days; count++) {
      await datasets.append(ctx, {
        source: 'orders',
        rows: Array.from({ length: rows }, (_, index) => change(row(), index)),
      })
      await worker.drain()
      await worker.advance(new Date((Math.floor(ctx.now().getTime() / day) + 1) * day))
    }
  }
  const subjects = async (state: 'firing' | 'resolved' = 'firing') =>
    (await server.client.monitoring.listAlerts({ model: 'source.orders', state })).items
      .map(({ subject }) => subject)
      .sort()
  return { ...server, ctx, worker, arrive, subjects }
}

test('rows that stay as they were raise nothing, and are kept as sketches per hour', async (t) => {
  const { ctx, arrive, subjects } = await begin(t)
  await arrive(10)
  assert.deepEqual([await subjects(), await subjects('resolved')], [[], []])
  const hours = await store.listSketches(ctx, { scope: 'source/orders', from: '', column: 'price' })
  assert.deepEqual([hours.length, hours.reduce((sum, { value_count }) => sum + Number(value_count), 0)], [10, 4_000])
})

test('missing values, new categories, other ranges, another unit and duplicates are each named', async (t) => {
  const { arrive, subjects, client } = await begin(t)
  await arrive(2)
  await arrive(1, (row, index) => ({
    ...row,
    price: Number(row['price']) * 100,
    plan: index % 10 === 0 ? 'trial' : row['plan'],
    note: index % 2 === 0 ? null : 'x',
    id: index < 20 ? 'same' : row['id'],
  }))
  assert.deepEqual(await subjects(), ['categories/plan', 'duplicates', 'missing/note', 'unit/price'])
  const { items } = await client.monitoring.listAlerts({ model: 'source.orders' })
  assert.ok(items.every(({ severity, signal }) => severity === 'digest' && signal === 'data'))
  assert.match(items.find(({ subject }) => subject === 'unit/price')?.summary ?? '', /10\^2/)
  await arrive(1)
  assert.deepEqual(await subjects(), [])
})

test('a column that vanishes and one that is new are named', async (t) => {
  const { arrive, subjects } = await begin(t)
  await arrive(2)
  await arrive(1, ({ price: _, ...row }) => ({ ...row, cost: 3 }))
  assert.deepEqual(await subjects(), ['schema/cost', 'schema/price'])
})

test('values beyond the range that was are told as a range, not as a unit', async (t) => {
  const { arrive, subjects } = await begin(t)
  await arrive(2)
  await arrive(1, (row, index) => ({ ...row, price: index % 5 === 0 ? 40 : row['price'] }))
  assert.deepEqual(await subjects(), ['range/price'])
})

test('far fewer rows than usual, and none at all, are told', async (t) => {
  const { worker, ctx, arrive, subjects } = await begin(t)
  await arrive(8)
  await arrive(1, undefined, 40)
  assert.deepEqual(await subjects(), ['volume'])
  await arrive(1)
  await worker.advance(new Date(ctx.now().getTime() + 6 * day))
  assert.deepEqual(await subjects(), ['freshness'])
})

test('a million different values cost no more memory than a few', async (t) => {
  const { ctx, arrive } = await begin(t)
  await arrive(1)
  await arrive(2, (row, index) => ({ ...row, plan: `plan ${index} ${row['id']}` }), 10_000)
  const stored = await store.findSourceWatch(ctx, 'orders')
  assert.ok(JSON.stringify(stored?.content ?? {}).length < 20_000)
})

test('the usual changes of units are told apart from growth', () => {
  assert.equal(unitFactor(10, 1_000), '10^2')
  assert.equal(unitFactor(10, 0.01), '10^-3')
  assert.match(unitFactor(10, 25.4) ?? '', /inches/)
  assert.match(unitFactor(100, 45.36) ?? '', /pounds/)
  assert.equal(unitFactor(10, 13), undefined)
  assert.equal(unitFactor(0, 5), undefined)
  assert.equal(unitFactor(-1, 5), undefined)
})

test('a median near zero that moves tenfold while the spread stays is no other unit', () => {
  assert.equal(spreadFollows({ median: -1, deviation: 30 }, { median: -10, deviation: 28 }), false)
  assert.equal(spreadFollows({ median: -1, deviation: 30 }, { median: -10, deviation: 310 }), true)
  assert.equal(spreadFollows({ median: 100, deviation: 20 }, { median: 45.36, deviation: 9 }), true)
  assert.equal(spreadFollows({ median: 5, deviation: 0 }, { median: 50, deviation: 0 }), true)
})
