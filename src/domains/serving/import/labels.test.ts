import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../../test/support/context.ts'
import { day, hour } from '../../../core/duration.ts'
import * as datasets from '../../datasets/datasets.ts'
import * as registry from '../../registry/registry.ts'
import { completeSpec, type ModelSpec } from '../../registry/spec/spec.ts'

const model = 'churn'
type Row = Record<string, unknown>

async function begin(
  t: TestContext,
  labels: Partial<NonNullable<ModelSpec['labels']>>,
  {
    output = 'binary',
    source = {},
  }: { output?: ModelSpec['serves']['output']; source?: Partial<datasets.Definition> } = {},
) {
  const server = await testServer(t)
  const { ctx, worker } = server.app
  await datasets.applySource(ctx, { source: 'crm', owner: 'ana@team.example', ...source })
  await registry.applySpec(
    ctx,
    completeSpec({
      model,
      owner: 'ann@team.example',
      backup: 'bob@team.example',
      purpose: 'Who is likely to leave, for the people who call.',
      serves: { output },
      labels: { from: 'crm.churned', arrive_within: '30d', ...labels },
    }),
  )
  const began = ctx.now().getTime()
  const at = (days: number) => new Date(began + days * day).toISOString()
  const predict = (rows: { id: string; at?: string; inputs?: Row; unit?: string }[]) =>
    server.client.serving.recordPredictions({
      endpoint: model,
      predictions: rows.map((row) => ({ output: 0.5, ...row })),
    })
  const push = (rows: Row[]) => datasets.append(ctx, { source: 'crm', rows })
  const advance = async (to: number) => {
    await worker.drain()
    await worker.advance(new Date(to))
  }
  const to = (days: number) => advance(began + days * day)
  const soon = () => advance(ctx.now().getTime() + 0.05 * hour)
  const labelled = async () => {
    const { items } = await server.client.serving.listPredictions({ endpoint: model, from: '2000-01-01', limit: 1000 })
    return Object.fromEntries(items.filter(({ label }) => label !== null).map(({ id, label }) => [id, label]))
  }
  const told = async () => {
    const { items } = await server.client.serving.listImports({ model })
    const found = items[0]?.imports.find(({ what }) => what === 'labels')
    assert.ok(found)
    return found
  }
  return { ...server, ctx, worker, at, predict, push, to, soon, labelled, told }
}

test('labels come by themselves by the id of their prediction, whichever of the two came first', async (t) => {
  const { predict, push, soon, labelled, told } = await begin(t, { id: 'order' })
  await predict([{ id: 'a' }, { id: 'b' }])
  await push([
    { order: 'a', churned: true },
    { order: 'late', churned: false },
    { order: 'x', churned: null },
  ])
  await soon()
  assert.deepEqual(await labelled(), { a: 1 })
  const { last, behind, at, cursor } = await told()
  assert.deepEqual([last.rows, last.taken, last.without, behind, cursor], [2, 1, 1, 0, 3])
  assert.notEqual(at, null)
  await predict([{ id: 'late' }])
  await soon()
  assert.deepEqual(await labelled(), { a: 1, late: 0 })
})

test('what became known last decides, in whatever order the rows come, and a label that stays is not written again', async (t) => {
  const { predict, push, soon, labelled, told, client, at } = await begin(
    t,
    { id: 'order' },
    { source: { known_at: 'known' } },
  )
  await predict([{ id: 'a' }, { id: 'b' }, { id: 'c' }])
  await push([
    { order: 'a', churned: 1, known: at(3) },
    { order: 'b', churned: 0, known: at(1) },
    { order: 'c', churned: 0, known: at(1) },
    { order: 'c', churned: 1, known: at(1) },
  ])
  await soon()
  assert.deepEqual(await labelled(), { a: 1, b: 0 })
  assert.equal((await told()).last.ambiguous, 1)
  const { labelKnownAt } = await client.serving.getPrediction({ prediction: 'a' })
  await push([
    { order: 'a', churned: 0, known: at(2) },
    { order: 'b', churned: 1, known: at(2) },
    { order: 'c', churned: 1, known: at(2) },
  ])
  await soon()
  assert.deepEqual(await labelled(), { a: 1, b: 1, c: 1 })
  const { last, all } = await told()
  assert.deepEqual([last.taken, last.known, last.corrected, last.ambiguous], [2, 1, 1, 0])
  assert.deepEqual([all.rows, all.taken], [7, 4])
  assert.equal((await client.serving.getPrediction({ prediction: 'a' })).labelKnownAt, labelKnownAt)
})

test('by key, the first row at or after the prediction and within the window is its label', async (t) => {
  const { predict, push, soon, labelled, told, at } = await begin(
    t,
    { by: { store: 'shop', item: 'item' }, arrive_within: '7d' },
    { output: 'regression', source: { time: 'sold_at' } },
  )
  await predict([
    { id: 'first', at: at(-20), inputs: { shop: 7, item: 'tea' } },
    { id: 'second', at: at(-10), inputs: { shop: 7, item: 'tea' } },
    { id: 'other', at: at(-20), inputs: { shop: 8, item: 'tea' } },
    { id: 'none', at: at(-20), inputs: { shop: '7' } },
  ])
  await push([
    { store: 7, item: 'tea', churned: 1.5, sold_at: at(-21) },
    { store: 7, item: 'tea', churned: 2.5, sold_at: at(-20) },
    { store: 7, item: 'tea', churned: 3.5, sold_at: at(-19) },
    { store: 7, item: 'tea', churned: 4.5, sold_at: at(-4) },
    { store: 8, item: 'tea', churned: 5.5, sold_at: at(-12.5) },
  ])
  await soon()
  assert.deepEqual(await labelled(), { first: 2.5, second: 4.5 })
  // One before every prediction, and one too late for the only one.
  assert.equal((await told()).last.without, 2)
  assert.match((await told()).how, /"churned" by "store" = "shop" and "item": the first row within 7d/)
})

test('what is not mature is waiting and counted nowhere, and comes when its time has come', async (t) => {
  const { predict, push, soon, to, labelled, told, at } = await begin(
    t,
    { by: ['customer'], after: '30d' },
    { source: { time: 'day' } },
  )
  await predict([
    { id: 'stays', at: at(0), inputs: { customer: 1 } },
    { id: 'leaves', at: at(0), inputs: { customer: 2 } },
  ])
  await to(1)
  await push([
    { customer: 1, churned: false, day: at(1) },
    { customer: 2, churned: false, day: at(1) },
  ])
  await soon()
  assert.deepEqual(await labelled(), {})
  const waiting = await told()
  assert.deepEqual([waiting.waiting, waiting.nextAt, waiting.last.taken], [2, at(30), 0])
  await to(20)
  await push([{ customer: 2, churned: true, day: at(20) }])
  await to(29)
  assert.deepEqual([await labelled(), (await told()).waiting], [{}, 2])
  await to(31)
  assert.deepEqual(await labelled(), { stays: 0, leaves: 1 })
  assert.deepEqual([(await told()).waiting, (await told()).nextAt], [0, null])
  // What happens after that says nothing of the prediction; what is only known later does.
  await push([
    { customer: 1, churned: true, day: at(31) },
    { customer: 2, churned: false, day: at(25) },
  ])
  await soon()
  assert.deepEqual(await labelled(), { stays: 0, leaves: 0 })
})

test('a value that no label can be is listed by its row, and the others are taken', async (t) => {
  const { predict, push, soon, labelled, told } = await begin(t, { id: 'order' })
  await predict(['a', 'b', 'c', 'd'].map((id) => ({ id })))
  await push([
    { order: 'a', churned: 'yes' },
    { order: 'b', churned: 'perhaps' },
    { order: 'c', churned: '2' },
    { order: 'd', churned: '0' },
  ])
  await soon()
  assert.deepEqual(await labelled(), { a: 1, d: 0 })
  const { badRows, last } = await told()
  assert.deepEqual([last.bad, badRows.map(({ row }) => row)], [2, [2, 3]])
  assert.match(badRows[0]?.what ?? '', /"perhaps" is no number/)
  assert.match(badRows[1]?.what ?? '', /must be 0 or 1/)
})

test('classes come as they are written, and one that is there is known again', async (t) => {
  const { predict, push, soon, labelled, told } = await begin(t, { id: 'order' }, { output: 'multiclass' })
  await predict([{ id: 'a' }, { id: 'b' }])
  await push([
    { order: 'a', churned: 'left for 01' },
    { order: 'b', churned: 'write to ann@team.example' },
  ])
  await soon()
  assert.deepEqual(await labelled(), { a: 'left for 01', b: 'write to [email]' })
  await push([{ order: 'b', churned: 'write to ann@team.example' }])
  await soon()
  const { last } = await told()
  assert.deepEqual([last.taken, last.known, last.corrected], [0, 1, 0])
})

test('a source that is not there or lacks a column is said, alerted and named by the doctor, until it is well', async (t) => {
  const { predict, push, soon, told, labelled, client, ctx } = await begin(t, { from: 'orders.churned', id: 'order' })
  const firing = async () =>
    (await client.monitoring.listAlerts({ model, state: 'firing' })).items.map(({ summary }) => summary)
  await predict([{ id: 'a' }])
  await soon()
  assert.equal((await told()).problem, 'Source "orders" does not exist')
  assert.deepEqual(await firing(), ['No labels come by themselves: Source "orders" does not exist.'])
  await datasets.applySource(ctx, { source: 'orders', owner: 'ana@team.example' })
  await datasets.append(ctx, { source: 'orders', rows: [{ id: 'a', churned: 1 }] })
  await soon()
  assert.equal((await told()).problem, 'The source "orders" has no column "order"')
  await datasets.append(ctx, { source: 'orders', rows: [{ order: 'a', churned: 1 }] })
  await soon()
  assert.deepEqual([(await told()).problem, await firing(), await labelled()], [null, [], { a: 1 }])
  await push([{ order: 'a', churned: 0 }])
  await soon()
  assert.deepEqual(await labelled(), { a: 1 })
})

test('without a word about ids, prediction_id is taken where the source has it, and else nothing is said', async (t) => {
  const { predict, push, soon, labelled, client } = await begin(t, {})
  await predict([{ id: 'a' }])
  await push([{ order: 'a', churned: 1 }])
  await soon()
  assert.deepEqual(await labelled(), {})
  assert.deepEqual((await client.monitoring.listAlerts({ model })).items, [])
  await push([{ prediction_id: 'a', churned: 1 }])
  await soon()
  assert.deepEqual(await labelled(), { a: 1 })
})

test('labels that came by themselves are judged as those that were sent', async (t) => {
  const { predict, push, to, client, at } = await begin(t, { id: 'order', arrive_within: '1d' })
  const ids = Array.from({ length: 400 }, (_, index) => `p${index}`)
  await predict(ids.map((id) => ({ id, at: at(0) })))
  await push(ids.map((order) => ({ order, churned: 0 })))
  await to(20)
  const { window } = await client.monitoring.drift({ model })
  assert.deepEqual([window?.requests, window?.labelled], [400, 400])
})

test('many rows are taken in parts, and a look that was stopped is done again without a second label', async (t) => {
  const { predict, push, soon, labelled, told, ctx } = await begin(t, { id: 'order' })
  const ids = Array.from({ length: 12_000 }, (_, index) => `p${index}`)
  for (let from = 0; from < ids.length; from += 6_000)
    await predict(ids.slice(from, from + 6_000).map((id) => ({ id })))
  await push(ids.map((order) => ({ order, churned: 1 })))
  const serving = await import('../serving.ts')
  let left = 1
  const transact: typeof ctx.engine.transact = (db, work) => {
    if (left-- <= 0) throw new Error('killed')
    return ctx.engine.transact(db, work)
  }
  const killed = { ...ctx, engine: { ...ctx.engine, transact } }
  await assert.rejects(serving.importRows(killed, { model, what: 'labels' }), /killed/)
  await soon()
  const { last } = await told()
  assert.deepEqual([last.rows, last.taken, last.known], [12_000, 7_000, 5_000])
  assert.equal(Object.keys(await labelled()).length, 1_000)
})
