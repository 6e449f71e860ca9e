import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import protobuf from 'protobufjs/light.js'
import { testServer } from '../../../test/support/context.ts'
import { descriptor } from './messages.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const start = 1_767_225_600_000_000_000n

type Value = Record<string, unknown>

function span(spanId: string, more: Value = {}): Value {
  return {
    traceId,
    spanId,
    name: 'ask',
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + 1_234_567_890n),
    ...more,
  }
}

const request = (...spans: Value[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })

async function begin(t: TestContext) {
  const { url, client } = await testServer(t)
  async function send(body: string | Uint8Array, headers: Record<string, string> = {}) {
    const reply = await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    return {
      status: reply.status,
      type: reply.headers.get('content-type'),
      body: Buffer.from(await reply.arrayBuffer()),
    }
  }
  return { client, url, send }
}

test('a trace in JSON without any header of MLflow is kept in the default experiment, nested as it was', async (t) => {
  const { client, send } = await begin(t)
  const child = span('b7ad6b7169203331', { parentSpanId: 'b7ad6b7169203330', name: 'look up', attributes: [] })
  const attributes = [{ key: 'gen_ai.usage.input_tokens', value: { intValue: '12' } }]
  const sent = await send(JSON.stringify(request(span('b7ad6b7169203330', { attributes }), child)))
  assert.deepEqual([sent.status, String(sent.body)], [200, '{}'])
  const { items } = await client.traces.list({})
  assert.deepEqual(
    items.map(({ id, name, state, milliseconds }) => [id, name, state, milliseconds]),
    [[`tr-${traceId}`, 'ask', 'OK', 1234]],
  )
  assert.deepEqual(JSON.parse(items[0]?.metadata['mlflow.trace.tokenUsage'] ?? ''), { input_tokens: 12 })
  const { spans } = await client.traces.get({ trace: `tr-${traceId}` })
  assert.deepEqual(
    spans.map(({ name, parent }) => [name, parent]),
    [
      ['ask', null],
      ['look up', 'b7ad6b7169203330'],
    ],
  )
})

test('the same trace as protobuf, packed, says the same; the answer is an empty message', async (t) => {
  const { client, send } = await begin(t)
  const type = protobuf.Root.fromJSON(descriptor).lookupType('ExportTraceServiceRequest')
  const bytes = (hex: string) => Buffer.from(hex, 'hex')
  const message = type.fromObject(
    request({
      ...span('b7ad6b7169203330', {
        attributes: [{ key: 'deep', value: { kvlistValue: { values: [{ key: 'n', value: { intValue: -5 } }] } } }],
      }),
      traceId: bytes(traceId),
      spanId: bytes('b7ad6b7169203330'),
    }),
  )
  const packed = gzipSync(type.encode(message).finish())
  const sent = await send(packed, { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' })
  assert.deepEqual([sent.status, sent.type, sent.body.length], [200, 'application/x-protobuf', 0])
  const { trace, spans } = await client.traces.get({ trace: `tr-${traceId}` })
  assert.equal(trace.milliseconds, 1234)
  assert.deepEqual(spans[0]?.attributes, { deep: { n: -5 } })
})

test('a trace grows as its spans come in, in any order and any number of times', async (t) => {
  const { client, send } = await begin(t)
  const root = span('b7ad6b7169203330')
  const child = span('b7ad6b7169203331', {
    parentSpanId: 'b7ad6b7169203330',
    startTimeUnixNano: String(start - 5_000_000n),
  })
  await send(JSON.stringify(request(child)))
  assert.equal((await client.traces.list({})).items[0]?.state, 'IN_PROGRESS')
  await send(JSON.stringify(request(root)))
  await send(JSON.stringify(request(root, child)))
  const { trace, spans } = await client.traces.get({ trace: `tr-${traceId}` })
  assert.deepEqual([trace.state, trace.milliseconds, spans.length], ['OK', 1239, 2])
})

test('what is no trace is refused by name, and nothing of it is kept', async (t) => {
  const { client, send } = await begin(t)
  const deep = (depth: number): Value =>
    depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [deep(depth - 1)] } }
  const wrong: [Value | string, RegExp][] = [
    ['{', /not JSON/],
    ['[]', /"body" must be an object/],
    [{ resource_spans: [] }, /"resourceSpans" is missing: names are written in lowerCamelCase/],
    [request(span('../../etc')), /spans\[0\]\.spanId" must be 16 hex digits/],
    [request(span('b7ad6b7169203330', { kind: 'SPAN_KIND_WORM' })), /kind" must be a number or one of/],
    [
      request(span('b7ad6b7169203330', { attributes: [{ key: 'n', value: { intValue: '9223372036854775808' } }] })),
      /64-bit/,
    ],
    [request(span('b7ad6b7169203330', { traceId: '0'.repeat(32) })), /traceId/],
    [request(span('b7ad6b7169203330', { startTimeUnixNano: 'soon' })), /startTimeUnixNano/],
    [request(span('b7ad6b7169203330', { startTimeUnixNano: -1 })), /startTimeUnixNano/],
    [request(span('b7ad6b7169203330', { name: 'x'.repeat(5000) })), /name" is longer/],
    [request(span('b7ad6b7169203330', { attributes: [{ key: 'deep', value: deep(40) }] })), /nested deeper/],
    [request(span('b7ad6b7169203330', { attributes: Array(3000).fill({ key: 'a' }) })), /more than 2000/],
    [request(span('b7ad6b7169203330', { attributes: 'many' })), /must be a list/],
  ]
  for (const [body, pattern] of wrong) {
    const sent = await send(typeof body === 'string' ? body : JSON.stringify(body))
    assert.equal(sent.status, 400, String(sent.body))
    assert.match(JSON.parse(String(sent.body)).detail, pattern)
  }
  assert.equal((await send('x', { 'content-type': 'text/html' })).status, 415)
  assert.equal((await send(Buffer.from([255, 255, 255, 1]), { 'content-type': 'application/x-protobuf' })).status, 400)
  assert.equal((await send('not packed', { 'content-encoding': 'gzip' })).status, 400)
  assert.equal(
    (await send(JSON.stringify(request(span('b7ad6b7169203330'))), { 'x-mlflow-experiment-id': '77' })).status,
    404,
  )
  assert.deepEqual((await client.traces.list({})).items, [])
})

test('a small body that unpacks to a huge one is refused while it is being unpacked', async (t) => {
  const { send } = await begin(t)
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, ' '))
  assert.ok(bomb.length < 1024 * 1024)
  assert.equal((await send(bomb, { 'content-encoding': 'gzip' })).status, 413)
})

const bytes = (hex: string) => Buffer.from(hex, 'hex')

function asProtobuf(message: { resourceSpans: { scopeSpans: { spans: Value[] }[] }[] }): Uint8Array {
  const type = protobuf.Root.fromJSON(descriptor).lookupType('ExportTraceServiceRequest')
  const spans = message.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
  const packed = spans.map((one) => ({
    ...one,
    traceId: bytes(String(one['traceId'])),
    spanId: bytes(String(one['spanId'])),
  }))
  return type.encode(type.fromObject(request(...packed))).finish()
}

for (const format of ['json', 'protobuf'] as const) {
  test(`what spans say of type, inputs and outputs under anybody's names is read as MLflow's server reads it (${format})`, async (t) => {
    const { client, send } = await begin(t)
    const folder = new URL('../../../test/fixtures/otlp/', import.meta.url)
    const text = readFileSync(new URL('spans.json', folder), 'utf8')
    const given = JSON.parse(text) as ReturnType<typeof request>
    const body = format === 'json' ? text : asProtobuf(given as Parameters<typeof asProtobuf>[0])
    const type = format === 'json' ? 'application/json' : 'application/x-protobuf'
    assert.equal((await send(body, { 'content-type': type })).status, 200)
    const expected = JSON.parse(readFileSync(new URL('mlflow-reads.json', folder), 'utf8')) as Record<string, Value>
    const read: Record<string, Value> = {}
    for (const { id, request, response } of (await client.traces.list({ limit: 100 })).items) {
      const [first] = (await client.traces.get({ trace: id })).spans
      assert.ok(first)
      const { name, type, attributes } = first
      const inputs = attributes['mlflow.spanInputs'] ?? null
      const outputs = attributes['mlflow.spanOutputs'] ?? null
      // MLflow shows no preview of an empty answer; there is one here.
      read[name] = { type, inputs, outputs, request, response: response === '[]' ? null : response }
    }
    const messages = 'openinference messages'
    // MLflow's server shows nothing of messages that are written leaf by leaf.
    const { [messages]: leaves, ...others } = read
    const { [messages]: unseen, ...same } = expected
    assert.deepEqual(others, same)
    assert.equal(unseen?.['inputs'], null)
    assert.deepEqual(leaves?.['inputs'], [{ role: 'user', content: 'hi' }])
  })
}

test('of several spans those that are good are kept, and the answer counts the others, in the format of the request', async (t) => {
  const { client, send } = await begin(t)
  const mixed = request(span('b7ad6b7169203330'), span('b7ad6b7169203331', { startTimeUnixNano: 'soon' }))
  const sent = await send(JSON.stringify(mixed))
  const { partialSuccess } = JSON.parse(String(sent.body))
  assert.deepEqual([sent.status, partialSuccess.rejectedSpans], [200, '1'])
  assert.match(partialSuccess.errorMessage, /spans\[1\]\.startTimeUnixNano/)
  const short = { ...span('b7ad6b7169203332'), spanId: 'b7ad' }
  const answer = await send(asProtobuf(request(span('b7ad6b7169203333'), short) as Parameters<typeof asProtobuf>[0]), {
    'content-type': 'application/x-protobuf',
  })
  const type = protobuf.Root.fromJSON(descriptor).lookupType('ExportTraceServiceResponse')
  const said = type.toObject(type.decode(answer.body), { longs: String })['partialSuccess']
  assert.deepEqual([answer.status, said.rejectedSpans], [200, '1'])
  const { spans } = await client.traces.get({ trace: `tr-${traceId}` })
  assert.deepEqual(
    spans.map(({ id }) => id),
    ['b7ad6b7169203330', 'b7ad6b7169203333'],
  )
})

test('a refusal is a Status of the standard in the format of the request', async (t) => {
  const { send } = await begin(t)
  const inJson = await send(JSON.stringify(request(span('no'))))
  assert.deepEqual([inJson.status, JSON.parse(String(inJson.body)).code], [400, 3])
  const packed = await send(Buffer.from([255, 255, 255, 1]), { 'content-type': 'application/x-protobuf' })
  const type = protobuf.Root.fromJSON(descriptor).lookupType('RpcStatus')
  assert.deepEqual([packed.status, packed.type], [400, 'application/x-protobuf'])
  assert.deepEqual(type.toObject(type.decode(packed.body)), {
    code: 3,
    message: 'The body is not an ExportTraceServiceRequest.',
  })
})

test('an integer keeps its digits and a status may be a name', async (t) => {
  const { client, send } = await begin(t)
  const one = JSON.stringify(
    request(
      span('b7ad6b7169203330', {
        status: { code: 'STATUS_CODE_ERROR' },
        attributes: [{ key: 'id', value: { intValue: 7 } }],
      }),
    ),
  ).replace('"intValue":7', '"intValue":9007199254740993')
  assert.equal((await send(one)).status, 200)
  const { spans } = await client.traces.get({ trace: `tr-${traceId}` })
  assert.deepEqual([spans[0]?.status, spans[0]?.attributes['id']], ['ERROR', '9007199254740993'])
})

test('messages that OpenInference wrote leaf by leaf are the inputs and outputs of their span', async (t) => {
  const { client, send } = await begin(t)
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
  const attributes = [
    text('openinference.span.kind', 'LLM'),
    text('llm.input_messages.10.message.content', 'And tomorrow?'),
    text('llm.input_messages.10.message.role', 'user'),
    text('llm.input_messages.2.message.role', 'user'),
    text('llm.input_messages.2.message.contents.0.message_content.type', 'text'),
    text('llm.input_messages.2.message.contents.0.message_content.text', 'What is this?'),
    text('llm.input_messages.0.message.role', 'system'),
    text('llm.input_messages.0.message.content', 'Be short.'),
    text('llm.input_messages.constructor', 'no index'),
    text('llm.output_messages.0.message.role', 'assistant'),
    text('llm.output_messages.0.message.tool_calls.0.tool_call.id', 'call_1'),
    text('llm.output_messages.0.message.tool_calls.0.tool_call.function.name', 'weather'),
    text('llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments', '{"city":"Bonn"}'),
    text(`llm.output_messages.0.${'deep.'.repeat(2_000)}end`, 'cut'),
  ]
  const listless = attributes.filter(({ key }) => key !== 'llm.input_messages.constructor')
  const wide = [...listless, text('input.value', 'what it says itself')]
  for (const [index, one] of [listless, wide, attributes].entries())
    assert.equal(
      (await send(JSON.stringify(request(span(`b7ad6b716920333${index}`, { attributes: one }))))).status,
      200,
    )
  const { spans } = await client.traces.get({ trace: `tr-${traceId}` })
  const of = (id: string) => {
    const found = spans.find((one) => one.id === `b7ad6b716920333${id}`)?.attributes ?? {}
    return [found['mlflow.spanInputs'], found['mlflow.spanOutputs']]
  }
  const [inputs, outputs] = of('0')
  assert.deepEqual(inputs, [
    { role: 'system', content: 'Be short.' },
    { role: 'user', content: [{ type: 'text', text: 'What is this?' }] },
    { role: 'user', content: 'And tomorrow?' },
  ])
  assert.deepEqual((outputs as { tool_calls: unknown }[])[0]?.tool_calls, [
    { id: 'call_1', function: { name: 'weather', arguments: { city: 'Bonn' } } },
  ])
  assert.equal(of('1')[0], 'what it says itself')
  assert.equal(of('2')[0], undefined)
})
