import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import type { Context } from '../../core/context.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as features from '../features/features.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as registry from './registry.ts'
import { completeSpec } from './spec/spec.ts'

const model = 'churn'
const rows =
  'time,age,city,visits,empty,churned\n2025-01-01,31,Ulm,2,,0\n2025-01-02,45.5,Bonn,,,1\n2025-01-03,52,Ulm,7,,1\n'
const spec = completeSpec({
  model,
  owner: 'ann@team.example',
  backup: 'bob@team.example',
  purpose: 'Who is likely to leave, for the people who call.',
  serves: { output: 'binary' },
})

async function trainedOn(ctx: Context, label?: string): Promise<string> {
  const blob = await ctx.blobs.put(Buffer.from(rows))
  const { digest } = await artifacts.create(ctx, { files: [{ path: 'train.csv', ...blob }] })
  return (await features.importTrainingSet(ctx, { artifact: digest, ...(label === undefined ? {} : { label }) })).id
}

const inputs = [
  { name: 'age', type: 'number' },
  { name: 'city', type: 'string' },
  { name: 'visits', type: 'number', missing: true },
]

test('a version without a signature gets one from its training rows, named later or at once, and it is said', async (t) => {
  const { app, client } = await testServer(t)
  const { ctx } = app
  await registry.applySpec(ctx, spec)
  const trainingSet = await trainedOn(ctx, 'churned')
  const { version, signature } = await client.registry.registerVersion({
    model,
    flavor: 'mlflow',
    uri: 's3://models/churn',
  })
  assert.equal(signature, null)
  const named = await client.registry.setTrainingSet({ model, version, trainingSet })
  const wanted = { inputs, output: { name: 'output', type: 'number' }, inferred: 'training_set' }
  assert.deepEqual(named.signature, wanted)
  assert.match(named.warnings?.join() ?? '', /inferred from its training rows: age \(number\), city \(string\), visits/)
  assert.deepEqual((await client.registry.getVersion({ model, version })).signature, wanted)
  const atOnce = await client.registry.registerVersion({ model, flavor: 'remote', trainingSet })
  assert.deepEqual(atOnce.signature, wanted)
  const { items } = await client.system.events({ type: 'registry.signature_inferred' })
  assert.deepEqual(
    items.map(({ data }) => data['from']),
    ['training_set'],
  )
})

test('what somebody said is kept, and without a label nothing is inferred, for the label would be an input', async (t) => {
  const { app, client } = await testServer(t)
  await registry.applySpec(app.ctx, spec)
  const trainingSet = await trainedOn(app.ctx, 'churned')
  const said = { inputs: [{ name: 'age', type: 'number' as const }], output: { name: 'p', type: 'number' as const } }
  const own = await client.registry.registerVersion({ model, flavor: 'remote', signature: said, trainingSet })
  assert.deepEqual(own.signature, said)
  const unlabelled = await trainedOn(app.ctx)
  const external = { model, flavor: 'mlflow' as const, uri: 's3://models/churn', trainingSet: unlabelled }
  assert.equal((await client.registry.registerVersion(external)).signature, null)
  await assert.rejects(
    client.registry.registerVersion({ model, flavor: 'remote', trainingSet: unlabelled }),
    /which of their columns is the label/,
  )
})

test('without training rows it comes from the predictions that name the version, once there are enough', async (t) => {
  const { app, client } = await testServer(t)
  await registry.applySpec(app.ctx, spec)
  await client.registry.registerVersion({ model, flavor: 'mlflow', uri: 's3://models/churn' })
  const record = (from: number, count: number) =>
    client.serving.recordPredictions({
      endpoint: model,
      predictions: Array.from({ length: count }, (_, index) => ({
        id: `p${from + index}`,
        at: '2025-12-31T10:00:00Z',
        inputs: { age: 30 + index, ...(index % 2 === 0 ? { city: 'Ulm' } : {}) },
        output: 0.25,
        version: 1,
      })),
    })
  const signature = async () => (await client.registry.getVersion({ model, version: 1 })).signature
  await record(0, 5)
  await monitoring.sampleTraffic(app.ctx, { model })
  assert.equal(await signature(), null)
  await record(5, 30)
  await monitoring.sampleTraffic(app.ctx, { model })
  assert.deepEqual(await signature(), {
    inputs: [
      { name: 'age', type: 'number' },
      { name: 'city', type: 'string', missing: true },
    ],
    output: { name: 'output', type: 'number' },
    inferred: 'predictions',
  })
})
