import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import type { Context } from '../../core/context.ts'
import * as registry from '../../domains/registry/registry.ts'
import { completeSpec, type ModelSpec } from '../../domains/registry/spec/spec.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const start = 1_767_225_600_000_000_000n
type Value = Record<string, unknown>

const toValue = (value: unknown): Value =>
  typeof value === 'string'
    ? { stringValue: value }
    : typeof value === 'boolean'
      ? { boolValue: value }
      : Number.isInteger(value)
        ? { intValue: String(value) }
        : typeof value === 'number'
          ? { doubleValue: value }
          : { arrayValue: { values: (value as unknown[]).map(toValue) } }

function span(spanId: number, attributes: Value, more: Value = {}): Value {
  return {
    traceId,
    spanId: String(spanId).padStart(16, '0'),
    name: 'predict',
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + 12_500_000n),
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: toValue(value) })),
    ...more,
  }
}

const churn = (id: number, more: Value = {}) =>
  span(id, { 'keel.model': 'churn', 'keel.input.age': 31, 'keel.input.city': 'Ulm', 'keel.output': 0.25, ...more })

function watch(ctx: Context, model: string, serves: ModelSpec['serves']): Promise<void> {
  const people = { owner: 'ann@team.example', backup: 'bob@team.example' }
  return registry.applySpec(ctx, completeSpec({ model, ...people, purpose: 'What spans are about.', serves }))
}

async function begin(t: TestContext) {
  const { app, url, client } = await testServer(t)
  await watch(app.ctx, 'churn', { output: 'binary' })
  await watch(app.ctx, 'answers', { output: 'text', gen_ai: ['small-chat'], log: { content: true } })
  async function send(...spans: Value[]) {
    const reply = await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
    })
    const { partialSuccess } = (await reply.json()) as {
      partialSuccess?: { rejectedSpans: string; errorMessage: string }
    }
    return {
      status: reply.status,
      rejected: Number(partialSuccess?.rejectedSpans ?? 0),
      said: partialSuccess?.errorMessage,
    }
  }
  const recorded = async (endpoint = 'churn') =>
    (await client.serving.listPredictions({ endpoint, from: '2025-12-01', limit: 1000 })).items
  return { app, client, send, recorded }
}

test('a span with keel.model is a prediction, with its inputs, output, release, times and trace', async (t) => {
  const { client, send } = await begin(t)
  const more = {
    'keel.prediction_id': 'ord-1',
    'keel.release': '2026.11',
    'keel.unit': 'ann',
    'keel.input.member': true,
  }
  assert.deepEqual(await send(churn(1, more)), { status: 200, rejected: 0, said: undefined })
  const found = await client.serving.getPrediction({ prediction: 'ord-1' })
  assert.deepEqual(found.inputs, { age: 31, city: 'Ulm', member: 1 })
  assert.deepEqual(
    [found.at, found.release, found.unit, found.output, found.latencyMs, found.traceId, found.bad],
    ['2026-01-01T00:00:00.000Z', '2026.11', 'ann', 0.25, 12.5, `tr-${traceId}`, null],
  )
  assert.equal((await client.traces.list({})).items.length, 1)
})

test('a span is one prediction, however often and in whatever order it is exported', async (t) => {
  const { send, recorded } = await begin(t)
  await send(churn(2, {}), span(9, { 'http.route': '/predict' }))
  await send(churn(1), churn(2), churn(1))
  await Promise.all([send(churn(3), churn(1)), send(churn(2), churn(3))])
  const ids = (await recorded()).map(({ id }) => id).sort()
  assert.deepEqual(
    ids,
    [1, 2, 3].map((id) => `${traceId}-${String(id).padStart(16, '0')}`),
  )
})

test('what is wrong with one span costs no other, is told by its id, and is a trace all the same', async (t) => {
  const { client, send, recorded } = await begin(t)
  const good = Array.from({ length: 7 }, (_, index) => churn(index + 1))
  const sent = await send(
    ...good.slice(0, 3),
    churn(90, { 'keel.input.list': [1, 2] }),
    ...good.slice(3),
    churn(91, { 'keel.version': 7 }),
    churn(92, { 'keel.release': 'a release' }),
    span(93, { 'keel.model': 'nobody', 'keel.output': 1 }),
    churn(94, { 'keel.prediction_id': '' }),
    span('x' as unknown as number, { 'keel.model': 'churn' }),
  )
  assert.deepEqual([sent.status, sent.rejected], [200, 6])
  assert.match(sent.said ?? '', /spanId/)
  assert.equal((await recorded()).length, 7)
  const { spans } = await client.traces.get({ trace: `tr-${traceId}` })
  assert.equal(spans.length, 12)
  const alone = await send(churn(90, { 'keel.input.list': [1, 2] }))
  assert.match(alone.said ?? '', /The span .*0090: .*column "inputs\.list".*kept as a trace, and not as a prediction/s)
})

test('a failed span is a bad prediction, and one that has not ended is none yet', async (t) => {
  const { send, recorded } = await begin(t)
  const attributes = { 'keel.model': 'churn', 'keel.input.age': 31 }
  await send(span(1, attributes, { status: { code: 2, message: 'out of memory' } }))
  await send(span(2, attributes, { endTimeUnixNano: '0' }))
  assert.deepEqual(
    (await recorded()).map(({ bad, output }) => [bad, output]),
    [['error', null]],
  )
})

test('a gen_ai span is a prediction of the model whose spec names it, and calls around it are none', async (t) => {
  const { send, recorded } = await begin(t)
  const messages = (role: string, content: string, more = {}) =>
    JSON.stringify([{ role, parts: [{ type: 'text', content }], ...more }])
  const call = {
    'gen_ai.request.model': 'small-chat',
    'gen_ai.response.model': 'small-chat-2026-01',
    'gen_ai.usage.input_tokens': 12,
    'gen_ai.usage.output_tokens': 3,
    'gen_ai.input.messages': messages('user', 'Where is my order?'),
    'gen_ai.output.messages': messages('assistant', 'On its', { finish_reason: 'length' }),
  }
  await send(
    span(1, { ...call, 'gen_ai.operation.name': 'chat' }),
    span(2, { ...call, 'gen_ai.operation.name': 'invoke_agent' }),
    span(3, { ...call, 'gen_ai.operation.name': 'execute_tool' }),
    span(6, { ...call, 'keel.endpoint': 'answers' }),
    span(4, { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'another' }),
    span(5, { ...call, 'keel.model': 'answers', 'keel.output': '{"found": true}', 'keel.release': 'mine' }),
  )
  const found = (await recorded('answers')).sort((a, b) => (a.id < b.id ? -1 : 1))
  assert.deepEqual(
    found.map(({ release, inputs, output, marks, tokens }) => ({ release, inputs, output, marks, tokens })),
    [
      {
        release: 'small-chat-2026-01',
        inputs: { question: 'Where is my order?' },
        output: 'On its',
        marks: ['cut_off'],
        tokens: { input: 12, output: 3 },
      },
      {
        release: 'mine',
        inputs: { question: 'Where is my order?' },
        output: '{"found": true}',
        marks: ['cut_off'],
        tokens: { input: 12, output: 3 },
      },
    ],
  )
})

test('spans of one name belong to one model', async (t) => {
  const { app } = await begin(t)
  await assert.rejects(watch(app.ctx, 'others', { output: 'text', gen_ai: ['small-chat'] }), /"answers" already/)
  await watch(app.ctx, 'answers', { output: 'text', gen_ai: ['small-chat', 'large-chat'] })
})
