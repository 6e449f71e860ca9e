import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { testServer } from '../support/context.ts'
import { raw, rawJson } from '../support/raw-http.ts'

async function mlflow(t: TestContext) {
  const { url } = await testServer(t)
  const post = async (path: string, body: unknown) => {
    const reply = await rawJson(url, `/api/2.0/mlflow/${path}`, body)
    return { status: reply.status, ...JSON.parse(reply.text) }
  }
  const { run } = await post('runs/create', { experiment_id: '0' })
  return { url, post, run_id: String(run.info.run_id) }
}

test('a body that is a JSON text holding JSON is read; one that is packed three times is not', async (t) => {
  const { post } = await mlflow(t)
  const twice = JSON.stringify({ name: 'twice' })
  assert.equal((await post('experiments/create', twice)).status, 200)
  assert.equal((await post('experiments/create', JSON.stringify(twice))).status, 400)
})

test('bodies of the wrong kind are refused with a code that clients do not retry', async (t) => {
  const { url } = await mlflow(t)
  const json = { 'content-type': 'application/json' }
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  for (const [body, headers] of [
    ['[]', json],
    ['null', json],
    ['1', json],
    ['"x"', json],
    ['{', json],
    ['{"name": NaN}', json],
    ['\u0000', json],
    [deep, json],
    [`{"name": ${deep}}`, json],
    ['{"name": "x"}', { 'content-type': 'text/xml' }],
    [gzipSync('{"name": "x"}'), { ...json, 'content-encoding': 'gzip' }],
    [Buffer.from([0xff, 0xfe, 0x7b]), json],
  ] as const) {
    const reply = await raw(url, '/api/2.0/mlflow/experiments/create', { method: 'POST', headers, body })
    assert.ok(reply.status >= 400 && reply.status < 500, `${String(body).slice(0, 20)} answered ${reply.status}`)
  }
  for (const body of [deep, `{"name": ${deep}}`, `{"name": "x", "tags": {"a": ${deep}}}`]) {
    const reply = await raw(url, '/api/v1/models', { method: 'POST', headers: json, body })
    assert.equal(reply.status, 400, body.slice(0, 30))
  }
  const large = JSON.stringify({ name: 'x'.repeat(40 * 1024 * 1024) })
  const reply = await raw(url, '/api/2.0/mlflow/experiments/create', { method: 'POST', headers: json, body: large })
  assert.ok(reply.status >= 400 && reply.status < 500, `a large body answered ${reply.status}`)
})

test('names that every object has are names like others', async (t) => {
  const { url, post, run_id } = await mlflow(t)
  for (const key of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
    assert.equal((await post('runs/log-parameter', { run_id, key, value: 'v' })).status, 200, key)
    assert.equal((await post('runs/set-tag', { run_id, key, value: 'v' })).status, 200, key)
    assert.equal((await post('runs/log-metric', { run_id, key, value: 1, timestamp: 1 })).status, 200, key)
  }
  const body =
    '{"experiment_id": "0", "__proto__": {"run_id": "polluted"}, "constructor": {"prototype": {"polluted": 1}}}'
  await raw(url, '/api/2.0/mlflow/runs/create', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  const { run } = JSON.parse((await raw(url, `/api/2.0/mlflow/runs/get?run_id=${run_id}`)).text)
  assert.equal(run.data.params.length, 4)
})

test('keys that are too long, climb or hold what files cannot are refused, on every call that takes one', async (t) => {
  const { post, run_id } = await mlflow(t)
  const keys = [
    'x'.repeat(251),
    'x'.repeat(1_000_000),
    '../x',
    'a/../b',
    '/a',
    'a//b',
    './a',
    '.',
    '..',
    '',
    'a\u0000',
    'a\nb',
    'a%b',
    'ü',
  ]
  for (const key of keys) {
    const shown = JSON.stringify(key.slice(0, 20))
    assert.equal((await post('runs/log-metric', { run_id, key, value: 1, timestamp: 1 })).status, 400, shown)
    assert.equal((await post('runs/log-parameter', { run_id, key, value: 'v' })).status, 400, shown)
    assert.equal((await post('runs/set-tag', { run_id, key, value: 'v' })).status, 400, shown)
    for (const [list, value] of [
      ['params', 'v'],
      ['tags', 'v'],
      ['metrics', 1],
    ] as const) {
      const batch = await post('runs/log-batch', { run_id, [list]: [{ key, value, timestamp: 1 }] })
      assert.equal(batch.status, 400, `${list} ${shown}`)
    }
  }
})

test('NaN and the infinities come as texts and go as texts; bare they are no JSON; other words are refused', async (t) => {
  const { url, post, run_id } = await mlflow(t)
  const log = (key: string, value: unknown) => post('runs/log-metric', { run_id, key, value, timestamp: 1 })
  assert.equal((await log('nan', 'NaN')).status, 200)
  assert.equal((await log('up', 'Infinity')).status, 200)
  assert.equal((await log('down', '-Infinity')).status, 200)
  for (const value of ['inf', 'nan ', 'one', '', null, true, {}, [], [1], '0x10 ', '1,0'])
    assert.equal((await log('bad', value)).status, 400, JSON.stringify(value))
  for (const timestamp of ['NaN', 1e300, -1e300, 1.5, 'x', {}, '99999999999999999999'])
    assert.equal(
      (await post('runs/log-metric', { run_id, key: 'k', value: 1, timestamp })).status,
      400,
      String(timestamp),
    )
  const text = (await raw(url, `/api/2.0/mlflow/runs/get?run_id=${run_id}`)).text
  const metrics = Object.fromEntries(
    (JSON.parse(text).run.data.metrics as { key: string; value: unknown }[]).map(({ key, value }) => [key, value]),
  )
  assert.deepEqual(metrics, { nan: 'NaN', up: Number.MAX_VALUE, down: -Number.MAX_VALUE })
})

test('a filter that could take for ever, or that holds SQL, is refused or finds nothing', async (t) => {
  const { post } = await mlflow(t)
  const filters = [
    'metrics.a = 1; DROP TABLE runs; --',
    "params.a = '' OR '1' = '1'",
    "params.a = 'x' UNION SELECT * FROM tokens",
    "tags.`a' OR 1=1 --` = 'x'",
    `params.a LIKE '${'%a'.repeat(2_000)}'`,
    `${'('.repeat(10_000)}`,
    Array.from({ length: 2_000 }, (_, index) => `params.p${index} = 'x'`).join(' AND '),
    `attributes.run_id IN ('${"x','".repeat(10_000)}')`,
    `metrics.a > ${'9'.repeat(10_000)}`,
    "params.a RLIKE '(a+)+$'",
    "name = '\u0000'",
  ]
  for (const filter of filters) {
    const reply = await post('runs/search', { experiment_ids: ['0'], filter })
    assert.ok(
      reply.status === 400 || (reply.status === 200 && reply.runs === undefined),
      `${filter.slice(0, 40)}: ${reply.status}`,
    )
    assert.doesNotMatch(String(reply.message ?? ''), /sqlite|syntax error at or near|select "/i)
  }
  assert.equal((await post('runs/search', { experiment_ids: ['0'] })).runs.length, 1)
})

test('what a caller sent, or how it is stored, is not repeated in an error', async (t) => {
  const { post } = await mlflow(t)
  await post('experiments/create', { name: 'once' })
  const again = await post('experiments/create', { name: 'once' })
  assert.deepEqual([again.status, again.error_code], [400, 'RESOURCE_ALREADY_EXISTS'])
  assert.doesNotMatch(again.message, /insert|sql|unique|constraint|\[parameters/i)
  const long = await post('runs/get-nothing', { x: 'y'.repeat(100_000) }).catch(() => ({ message: '' }))
  assert.ok(String(long.message ?? '').length < 1_000)
})
