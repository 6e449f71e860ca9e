import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../../test/support/context.ts'
import { hour } from '../../../core/duration.ts'
import * as datasets from '../../datasets/datasets.ts'
import * as registry from '../../registry/registry.ts'
import { completeSpec, type ModelSpec } from '../../registry/spec/spec.ts'
import * as serving from '../serving.ts'

const model = 'churn'
type Row = Record<string, unknown>

async function begin(t: TestContext, predictions: Partial<NonNullable<ModelSpec['predictions']>> = {}) {
  const server = await testServer(t)
  const { ctx, worker } = server.app
  await datasets.applySource(ctx, { source: 'answers', owner: 'ana@team.example', time: 'at' })
  await registry.applySpec(
    ctx,
    completeSpec({
      model,
      owner: 'ann@team.example',
      backup: 'bob@team.example',
      purpose: 'Who is likely to leave, for the people who call.',
      serves: { output: 'binary' },
      predictions: { from: 'answers', ...predictions },
      labels: { from: 'crm.churned', arrive_within: '30d' },
    }),
  )
  const push = (rows: Row[]) => datasets.append(ctx, { source: 'answers', rows })
  const soon = async () => {
    await worker.drain()
    await worker.advance(new Date(ctx.now().getTime() + 0.05 * hour))
  }
  const logged = async () =>
    (await server.client.serving.listPredictions({ endpoint: model, from: '2000-01-01', limit: 1000 })).items
  const told = async () => (await server.client.serving.listImports({ model })).items[0]?.imports[0]
  return { ...server, ctx, push, soon, logged, told }
}

test('rows of a source become predictions by themselves, with what they were asked and who answered', async (t) => {
  const { push, soon, logged, told, client } = await begin(t, {
    id: 'request',
    output: 'score',
    release: 'build',
    unit: 'user',
    latency: 'ms',
  })
  await push([
    {
      request: 'a',
      at: '2025-12-31T10:00:00Z',
      score: 0.25,
      build: '2026.11',
      user: 'ann',
      ms: 12,
      age: 31,
      city: 'Ulm',
    },
    { request: 'b', at: '2025-12-31T11:00:00Z', score: 7, build: '2026.11', age: null, city: 'Ulm' },
  ])
  await soon()
  const [b, a] = await logged()
  assert.deepEqual(
    [a?.id, a?.at, a?.output, a?.release, a?.unit, a?.latencyMs, a?.inputs],
    ['a', '2025-12-31T10:00:00.000Z', 0.25, '2026.11', 'ann', 12, { age: 31, city: 'Ulm' }],
  )
  assert.deepEqual([b?.id, b?.bad, b?.unit], ['b', 'invalid', 'b'])
  const found = await told()
  assert.deepEqual(
    [found?.what, found?.last.rows, found?.last.taken, found?.behind, found?.problem],
    ['predictions', 2, 2, 0, null],
  )
  assert.equal((await client.serving.listImports({})).items.length, 1)
})

test('a row is recorded once, also when it comes again, and bad ones are listed and do not stop the rest', async (t) => {
  const { push, soon, logged, told } = await begin(t, { inputs: ['age'] })
  await push([
    { id: 'a', at: '2025-12-31', output: 0.1, age: 1, secret: 'x' },
    { id: 'a', at: '2025-12-31', output: 0.1, age: 1, secret: 'x' },
    { id: null, at: '2025-12-31', output: 0.1, age: 1 },
    { id: 'future', at: '2050-12-31', output: 0.1, age: 1 },
    { id: 'b', at: '2025-12-31', output: 0.2, age: 2 },
  ])
  await soon()
  assert.deepEqual((await logged()).map(({ id }) => id).sort(), ['a', 'b'])
  assert.deepEqual(
    (await logged()).map(({ inputs }) => Object.keys(inputs)),
    [['age'], ['age']],
  )
  const first = await told()
  assert.deepEqual([first?.last.rows, first?.last.taken, first?.last.known, first?.last.bad], [5, 2, 1, 2])
  assert.deepEqual(
    first?.badRows.map(({ row }) => row),
    [3, 4],
  )
  assert.match(first?.badRows[0]?.what ?? '', /"id"/)
  assert.match(first?.badRows[1]?.what ?? '', /"at": "2050-12-31.* lies more than a day ahead/)
  await push([{ id: 'b', at: '2025-12-31', output: 0.9, age: 2 }])
  await soon()
  assert.deepEqual((await logged()).map(({ output }) => output).sort(), [0.1, 0.2])
})

test('a look that was killed goes on where it was, and no prediction is there twice', async (t) => {
  const { push, soon, logged, told, ctx } = await begin(t)
  await push(Array.from({ length: 12_000 }, (_, index) => ({ id: `p${index}`, at: '2025-12-31', output: 0.5 })))
  let left = 1
  const transact: typeof ctx.engine.transact = (db, work) => {
    if (left-- <= 0) throw new Error('killed')
    return ctx.engine.transact(db, work)
  }
  const killed = { ...ctx, engine: { ...ctx.engine, transact } }
  await assert.rejects(serving.importRows(killed, { model, what: 'predictions' }), /killed/)
  await soon()
  const found = await told()
  assert.deepEqual([found?.all.taken, found?.all.known], [2_000, 10_000])
  assert.equal(await serving.countLogged(ctx, { endpoint: model, from: '', to: '2050' }), 12_000)
  assert.equal((await logged()).length, 1_000)
})

test('a column that the source does not have is said at once', async (t) => {
  const { push, soon, told, client } = await begin(t, { output: 'score' })
  await push([{ id: 'a', at: '2025-12-31', output: 0.1 }])
  await soon()
  assert.equal((await told())?.problem, 'The source "answers" has no column "score"')
  const { items } = await client.monitoring.listAlerts({ model, state: 'firing' })
  assert.deepEqual(
    items.map(({ subject }) => subject),
    ['import of predictions'],
  )
  const { imports } = await client.serving.runImports({ model })
  assert.equal(imports[0]?.problem, 'The source "answers" has no column "score"')
})
