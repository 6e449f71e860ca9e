import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApp, testServer } from '../../../../test/support/context.ts'
import type { ProblemError } from '../../../client/client.ts'
import type { Context } from '../../../core/context.ts'
import * as registry from '../../registry/registry.ts'
import { completeSpec } from '../../registry/spec/spec.ts'
import * as serving from '../serving.ts'

const model = 'churn'

async function watched(ctx: Context, log = {}): Promise<void> {
  const spec = completeSpec({
    model,
    owner: 'ann@team.example',
    backup: 'bob@team.example',
    purpose: 'Who is likely to leave, for the people who call.',
    serves: { output: 'binary', log },
  })
  await registry.applySpec(ctx, spec)
}

const prediction = (id: string, more = {}) => ({
  id,
  inputs: { age: 31, city: 'Ulm', member: true },
  output: 0.25,
  ...more,
})

test('predictions of another service are written down with what was sent, and labels join them', async (t) => {
  const { app, client } = await testServer(t)
  await watched(app.ctx)
  const sent = prediction('a', { at: '2001-01-02T03:04:05+02:00', release: '2026.11', latencyMs: 12, unit: 'ann' })
  const answer = await client.serving.recordPredictions({ endpoint: model, predictions: [sent, prediction('b')] })
  assert.deepEqual(answer, { accepted: 2, known: 0, sampledOut: 0 })
  await client.serving.label({ endpoint: model, labels: [{ id: 'a', value: 1 }] })
  const found = await client.serving.getPrediction({ prediction: 'a' })
  assert.deepEqual(
    [found.at, found.release, found.version, found.unit, found.output, found.latencyMs, found.label, found.bad],
    ['2001-01-02T01:04:05.000Z', '2026.11', 0, 'ann', 0.25, 12, 1, null],
  )
  assert.deepEqual(found.inputs, { age: 31, city: 'Ulm', member: 1 })
  const { items } = await client.serving.listPredictions({ endpoint: model, from: '2000-01-01' })
  assert.deepEqual(new Set(items.map(({ id, release }) => `${id} ${release}`)), new Set(['a 2026.11', 'b external']))
})

test('an id is written once, however often and by however many it is sent at the same time', async (t) => {
  const { app, client } = await testServer(t)
  await watched(app.ctx)
  const batch = (from: number) => ({
    endpoint: model,
    predictions: Array.from({ length: 50 }, (_, index) => prediction(`p${from + index}`)),
  })
  const answers = await Promise.all([0, 25, 0, 50].map((from) => client.serving.recordPredictions(batch(from))))
  assert.equal(
    answers.reduce((sum, { accepted }) => sum + accepted, 0),
    100,
  )
  const again = await client.serving.recordPredictions(batch(0))
  assert.deepEqual(again, { accepted: 0, known: 50, sampledOut: 0 })
  const { items } = await client.serving.listPredictions({ endpoint: model, limit: 1000 })
  assert.equal(items.length, 100)
})

test('what cannot be meant is refused by row, and nothing of the batch is written', async (t) => {
  const { app, client } = await testServer(t)
  await watched(app.ctx)
  const refused = async (predictions: ReturnType<typeof prediction>[], said: RegExp, endpoint = model) => {
    await assert.rejects(client.serving.recordPredictions({ endpoint, predictions }), (error: ProblemError) => {
      assert.ok(['invalid_input', 'not_found'].includes(error.problem.code), error.problem.code)
      assert.match(error.message, said)
      return true
    })
  }
  await refused([prediction('a'), prediction('a')], /row 2, column "id": "a" is the id of row 1 too/)
  await refused(
    [prediction('a'), prediction('b', { at: '2030-01-01' })],
    /row 2, column "at": "2030-01-01" lies more than a day ahead/,
  )
  await refused([prediction('a', { inputs: { address: { city: 'Ulm' } } })], /row 1, column "inputs\.address"/)
  await refused([prediction('a', { version: 7 })], /churn@7/)
  await refused([prediction('a', { at: 'yesterday' })], /at/)
  await refused([prediction('a')], /"nobody"/, 'nobody')
  await assert.rejects(client.serving.listPredictions({ endpoint: model }), /churn/)
})

test('whole numbers are exact up to 64 bits, as by every door, and refused by row beyond', async (t) => {
  const { app, url, client } = await testServer(t)
  await watched(app.ctx)
  const send = (body: string) =>
    fetch(`${url}/api/v1/endpoints/${model}/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
  const kept = await send(
    '{"predictions": [{"id": "a", "output": 1, "inputs": {"account": 9007199254740993, "most": 18446744073709551615, "n": 7}}]}',
  )
  assert.equal(kept.status, 200, await kept.clone().text())
  const { inputs } = await client.serving.getPrediction({ prediction: 'a' })
  assert.deepEqual(inputs, { account: '9007199254740993', most: '18446744073709551615', n: 7 })
  const beyond = await send(
    '{"predictions": [{"id": "b", "output": 1}, {"id": "c", "output": 1, "inputs": {"account": 18446744073709551616}}]}',
  )
  assert.equal(beyond.status, 400)
  assert.match(
    await beyond.text(),
    /row 2, column \\"inputs\.account\\": 18446744073709551616 does not fit into 64 bits/,
  )
  const output = await send('{"predictions": [{"id": "d", "output": 9007199254740993}]}')
  assert.equal(output.status, 400)
  assert.equal((await client.serving.listPredictions({ endpoint: model })).items.length, 1)
})

test('an answer that its kind cannot be is marked invalid, and a failure as it was told', async (t) => {
  const { app, client } = await testServer(t)
  await watched(app.ctx)
  const predictions = [
    prediction('a', { output: 7 }),
    prediction('b', { output: null, bad: 'error' as const }),
    prediction('c', { output: true }),
  ]
  await client.serving.recordPredictions({ endpoint: model, predictions })
  const { items } = await client.serving.listPredictions({ endpoint: model })
  assert.deepEqual(Object.fromEntries(items.map(({ id, bad }) => [id, bad])), { a: 'invalid', b: 'error', c: null })
})

test('the sample and the redactions of the spec hold for them too', async (t) => {
  const { app, client } = await testServer(t)
  await watched(app.ctx, { sample: '50%', omit: ['age'] })
  const predictions = Array.from({ length: 400 }, (_, index) =>
    prediction(`p${index}`, { inputs: { age: 7, who: 'ann@team.example' } }),
  )
  const { accepted, sampledOut } = await client.serving.recordPredictions({ endpoint: model, predictions })
  assert.equal(accepted + sampledOut, 400)
  assert.ok(Math.abs(accepted - 200) < 60, String(accepted))
  const { items } = await client.serving.listPredictions({ endpoint: model, limit: 1 })
  assert.deepEqual(items[0]?.inputs, { who: '[email]' })
})

test('what was acknowledged is there after the server ended without a word', async (t) => {
  const app = await testApp(t)
  await watched(app.ctx)
  await serving.recordPredictions(app.ctx, { endpoint: model, predictions: [prediction('a')] })
  const segments = await app.ctx.db
    .withTables<{ prediction_segments: { row_count: number } }>()
    .selectFrom('prediction_segments')
    .select('row_count')
    .execute()
  assert.deepEqual(
    segments.map(({ row_count }) => Number(row_count)),
    [1],
  )
})
