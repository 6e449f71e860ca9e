import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { testServer } from '../../../test/support/context.ts'
import { model, registered } from '../../../test/support/trips.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../../domains/registry/registry.ts'
import * as serving from '../../domains/serving/serving.ts'
import { readTensor, toBinary } from './tensors.ts'

type Json = Record<string, unknown>

/** An endpoint that answers with its input "good". */
async function begin(t: TestContext) {
  const { app, url, client } = await testServer(t, { from: registered })
  const version = 1
  await registry.setBaseline(app.ctx, { model, value: 0.5 })
  const routing = { endpoint: model, live: { release: `${model}.r1`, version }, canary: null, shadow: null, warm: [] }
  await serving.prepareRouting(app.ctx, routing)
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, routing))
  async function call(
    method: string,
    path: string,
    body?: string | Uint8Array | Json,
    headers: Record<string, string> = {},
  ) {
    const raw = typeof body === 'string' || body instanceof Uint8Array
    const reply = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    })
    const bytes = Buffer.from(await reply.arrayBuffer())
    const text = bytes.toString()
    return {
      status: reply.status,
      headers: reply.headers,
      bytes,
      json: (reply.headers.get('content-type')?.includes('json') && text.startsWith('{')
        ? JSON.parse(text)
        : {}) as Json,
    }
  }
  return { app, client, call }
}

const city = { name: 'city', shape: [2, 1], datatype: 'BYTES', data: ['Bonn', 'Ulm'] }
const good = { name: 'good', shape: [2], datatype: 'FP64', data: [0.25, 0.75] }
const wrong = { name: 'wrong', shape: [2, 1], datatype: 'FP32', data: [[0.5], [0.5]] }
const infer = `/v2/models/${model}/infer`

test('a server, its models and their readiness are told', async (t) => {
  const { call } = await begin(t)
  assert.equal((await call('GET', '/v2/health/live')).status, 200)
  assert.equal((await call('GET', '/v2/health/ready')).status, 200)
  assert.deepEqual((await call('GET', '/v2')).json['extensions'], ['binary_tensor_data'])
  const { json } = await call('GET', `/v2/models/${model}/versions/1`)
  assert.deepEqual([json['name'], json['versions']], [model, ['1']])
  assert.deepEqual((json['inputs'] as Json[])[0], { name: 'city', datatype: 'BYTES', shape: [-1, 1] })
  assert.equal((await call('GET', `/v2/models/${model}/ready`)).status, 200)
  assert.equal((await call('GET', '/v2/models/nothing/ready')).status, 404)
  assert.equal((await call('GET', `/v2/models/${model}/versions/9`)).status, 404)
})

test('rows go in as tensors, nested or flat, and answers come out in their order; each row is a prediction', async (t) => {
  const { call, client } = await begin(t)
  const { status, json } = await call('POST', infer, { id: 'ask', inputs: [city, good, wrong] })
  assert.equal(status, 200)
  assert.deepEqual([json['id'], json['model_version'], json['parameters']], ['ask', '1', { release: `${model}.r1` }])
  assert.deepEqual(json['outputs'], [{ name: 'output', shape: [2, 1], datatype: 'FP64', data: [0.25, 0.75] }])
  assert.deepEqual((await client.serving.getPrediction({ prediction: 'ask-1' })).inputs['city'], 'Ulm')
})

test('tensors in bytes, in and out', async (t) => {
  const { call } = await begin(t)
  const texts = toBinary(['Bonn', 'Ulm']).bytes
  const numbers = toBinary([0.25, 0.75]).bytes
  const sized = (tensor: Json, bytes: Buffer) => ({
    ...tensor,
    data: undefined,
    parameters: { binary_data_size: bytes.length },
  })
  const head = Buffer.from(
    JSON.stringify({
      inputs: [sized(city, texts), sized(good, numbers), wrong],
      outputs: [{ name: 'output', parameters: { binary_data: true } }],
    }),
  )
  const headers = { 'inference-header-content-length': String(head.length), 'content-type': 'application/octet-stream' }
  const reply = await call('POST', infer, Buffer.concat([head, texts, numbers]), headers)
  assert.equal(reply.status, 200, String(reply.bytes))
  const length = Number(reply.headers.get('inference-header-content-length'))
  const tail = reply.bytes.subarray(length)
  assert.deepEqual([tail.readDoubleLE(0), tail.readDoubleLE(8), tail.length], [0.25, 0.75, 16])
})

test('a packed request is unpacked; what is not packed as it says, or unpacks to too much, is refused', async (t) => {
  const { call } = await begin(t)
  const packed = gzipSync(JSON.stringify({ inputs: [city, good, wrong] }))
  const zipped = { 'content-encoding': 'gzip' }
  const { status, json } = await call('POST', infer, packed, zipped)
  assert.deepEqual([status, (json['outputs'] as Json[])[0]?.['data']], [200, [0.25, 0.75]])
  assert.match(String((await call('POST', infer, packed, { 'content-encoding': 'zip' })).json['error']), /"zip"/)
  assert.equal((await call('POST', infer, '{}', zipped)).status, 400)
  const bomb = gzipSync(Buffer.alloc(65 * 1024 * 1024))
  assert.equal((await call('POST', infer, bomb, zipped)).status, 413)
})

test('every wrong tensor is refused by its name, with 400 and nothing logged', async (t) => {
  const { call, client } = await begin(t)
  const bad: [Json | string, RegExp][] = [
    ['nonsense', /not JSON/],
    [{}, /"inputs"/],
    [{ inputs: [] }, /"inputs"/],
    [{ inputs: [{ ...city, datatype: 'TEXT' }, good, wrong] }, /"city" has the datatype "TEXT"/],
    [{ inputs: [{ ...city, shape: [3, 1] }, good, wrong] }, /"city" has 2 elements/],
    [{ inputs: [{ ...city, shape: [-1] }, good, wrong] }, /"city" needs a shape/],
    [{ inputs: [{ ...city, shape: [1e9, 1e9] }, good, wrong] }, /"city" needs a shape|more than/],
    [{ inputs: [{ ...city, data: [1, 2] }, good, wrong] }, /"city" holds 1, which is not a string/],
    [{ inputs: [city, { ...good, data: ['a', 'b'] }, wrong] }, /"good" holds "a", which is not a number/],
    [
      { inputs: [city, { ...good, datatype: 'INT8', data: [1, 300] }, wrong] },
      /"good" holds 300, which is not an INT8/,
    ],
    [{ inputs: [city, { ...good, datatype: 'INT32' }, wrong] }, /"good" holds 0.25, which is not an integer/],
    [{ inputs: [city, { ...good, shape: [1], data: [1] }, wrong] }, /"good" has 1 rows/],
    [{ inputs: [city, good] }, /"wrong" is missing/],
    [{ inputs: [city, good, wrong, { ...good, name: 'god' }] }, /"god" is not known/],
    [{ inputs: [city, good, wrong, good] }, /"good" is given twice/],
    [
      `{"inputs": [${[city, wrong].map((one) => JSON.stringify(one))}, {"name": "good", "shape": [2], "datatype": "FP64", "data": [1e999, 1]}]}`,
      /"good" must be a finite number, not Infinity/,
    ],
    [{ inputs: [city, good, wrong, { ...good, name: 'g'.repeat(200_000) }] }, /^.{0,250}is not known/],
    [{ inputs: [city, good, wrong], outputs: [{ name: 'label' }] }, /no output "label"/],
    [{ inputs: [city, { ...good, parameters: { binary_data_size: 16 } }, wrong] }, /ends before its binary tensors/],
  ]
  for (const [body, pattern] of bad) {
    const { status, json } = await call('POST', infer, body)
    assert.equal(status, 400, `${JSON.stringify(body)}: ${JSON.stringify(json)}`)
    assert.match(String(json['error']), pattern)
  }
  assert.deepEqual((await client.serving.listPredictions({ endpoint: model })).items, [])
})

test('a readiness check or a call that leads nowhere is 404 and never a page', async (t) => {
  const { call } = await begin(t)
  const nowhere = [
    `/v2/models/${model}/infer`,
    `/v2/models/${model}/redy`,
    `/v2/models/a/b/ready`,
    '/v2/repository',
    '/v1',
  ]
  for (const path of [...nowhere, `/serve/${model}/invocations`, `/serve/${model}`, '/metrics/all'])
    assert.equal((await call('GET', path)).status, 404, path)
  assert.equal((await call('GET', `/v2/models/${'a'.repeat(3_000)}/ready`)).status, 404)
  assert.equal((await call('GET', `/v2/models/%FF/ready`)).status, 400)
  assert.equal((await call('GET', `/v1/models/${model}`)).json['ready'], true)
})

test('numbers of every binary type come back as they were written', () => {
  const write: Record<string, (value: number) => Buffer> = {
    FP64: (value) => toBinary([value]).bytes,
    INT32: (value) => Buffer.from(Int32Array.of(value).buffer),
    INT64: (value) => Buffer.from(BigInt64Array.of(BigInt(value)).buffer),
    UINT8: (value) => Buffer.from(Uint8Array.of(value).buffer),
  }
  const cases = fc.oneof(
    fc.tuple(fc.constant('FP64'), fc.double({ noNaN: true })),
    fc.tuple(fc.constant('INT32'), fc.integer()),
    fc.tuple(fc.constant('INT64'), fc.maxSafeInteger()),
    fc.tuple(fc.constant('UINT8'), fc.nat(255)),
  )
  fc.assert(
    fc.property(cases, ([datatype, value]) => {
      const bytes = write[datatype]?.(value) ?? Buffer.alloc(0)
      const given = { name: 'x', shape: [1], datatype, parameters: { binary_data_size: bytes.length } }
      assert.deepEqual(readTensor(given, 0, () => bytes).values, [value])
    }),
  )
})

test('KServe’s first protocol answers instances by name, and refuses wrong ones', async (t) => {
  const { call } = await begin(t)
  const path = `/v1/models/${model}:predict`
  const instances = [{ city: 'Bonn', good: 0.25, wrong: 0.5 }, ['Ulm', 0.75, 0.5]]
  assert.deepEqual((await call('POST', path, { instances })).json, { predictions: [0.25, 0.75] })
  assert.equal((await call('POST', path, { instances: 'all' })).status, 400)
  assert.match(
    String((await call('POST', path, { instances: [[1]] })).json['error']),
    /has 1 values, and the model reads 3/,
  )
  assert.equal((await call('POST', `/v1/models/${model}:explain`, { instances })).status, 404)
})
