import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { testServer } from '../../../test/support/context.ts'
import { npmi } from './trace-correlation.ts'

type Json = Record<string, unknown>

async function begin(t: TestContext) {
  const { url } = await testServer(t)
  async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }> {
    const reply = await fetch(`${url}/api/3.0/mlflow/${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    return { status: reply.status, body: text.startsWith('{') ? (JSON.parse(text) as Json) : {} }
  }
  const info = (id: string, more: Json = {}) => ({
    trace: {
      trace_info: {
        trace_id: id,
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } },
        request_time: '2026-01-01T00:00:00.250Z',
        execution_duration: '1.500s',
        state: 'OK',
        trace_metadata: {},
        tags: {},
        ...more,
      },
    },
  })
  return { call, info }
}

test('a trace that is told comes back with the same times', async (t) => {
  const { call, info } = await begin(t)
  assert.equal((await call('POST', 'traces', info('tr-1'))).status, 200)
  const { body } = await call('GET', 'traces/tr-1')
  const found = (body['trace'] as Json)['trace_info'] as Json
  assert.deepEqual(
    [found['request_time'], found['execution_duration'], found['state']],
    ['2026-01-01T00:00:00.250Z', '1.500s', 'OK'],
  )
})

test('an id that is a path, and every other wrong value, is refused in MLflow’s words and leaves nothing', async (t) => {
  const { call, info } = await begin(t)
  const bad: [string, string, unknown][] = [
    ['POST', 'traces', info('../../etc/passwd')],
    ['POST', 'traces', info('tr-../x')],
    ['POST', 'traces', info('tr-1', { request_time: 'yesterday' })],
    ['POST', 'traces', info('tr-1', { execution_duration: '-1s' })],
    ['POST', 'traces', info('tr-1', { state: 'FINE' })],
    ['POST', 'traces', info('tr-1', { tags: { a: { b: 1 } } })],
    ['POST', 'traces', info('tr-1', { tags: { ['k'.repeat(300)]: 'v' } })],
    ['POST', 'traces', { trace: 'none' }],
    ['POST', 'traces/search', { locations: [] }],
    ['POST', 'traces/search', { locations: 'all' }],
    ['POST', 'traces/search', { experiment_ids: ['0'], filter: "name RLIKE '(a+)+$'" }],
    ['POST', 'traces/search', { experiment_ids: ['0'], filter: 'nothing.x = 1' }],
    ['POST', 'traces/search', { experiment_ids: ['0'], max_results: 0 }],
    ['POST', 'traces/delete-traces', { experiment_id: '0' }],
    ['POST', 'traces/batchGetInfos', { trace_ids: ['..%2f'] }],
  ]
  for (const [method, path, body] of bad) {
    const reply = await call(method, path, body)
    assert.deepEqual(
      [path, reply.status, reply.body['error_code']],
      [path, 400, 'INVALID_PARAMETER_VALUE'],
      JSON.stringify(reply.body),
    )
  }
  assert.equal((await call('GET', 'traces/tr-1')).status, 404)
  assert.equal((await call('GET', `traces/${encodeURIComponent('../x')}`)).status, 400)
})

test('an assessment needs a trace, a source and exactly one thing to say', async (t) => {
  const { call, info } = await begin(t)
  await call('POST', 'traces', info('tr-1'))
  const source = { source_type: 'HUMAN', source_id: 'ana' }
  const say = (assessment: Json, trace = 'tr-1') => call('POST', `traces/${trace}/assessments`, { assessment })
  const good = { assessment_name: 'right', source, feedback: { value: true } }
  assert.equal((await say(good)).status, 200)
  assert.equal((await say({ ...good, expectation: { value: 1 } })).status, 400)
  assert.equal((await say({ assessment_name: 'right', source })).status, 400)
  assert.equal((await say({ ...good, source: {} })).status, 400)
  assert.equal((await say(good, 'tr-2')).status, 404)
  assert.equal((await say({ ...good, overrides: 'a-none' })).status, 404)
})

test('correlation of filters is 1 for the same, -1 for never together, 0 when independent', () => {
  assert.equal(npmi(100, 20, 20, 20, 0), 1)
  assert.equal(npmi(100, 20, 20, 0, 0), -1)
  assert.ok(Math.abs(npmi(100, 20, 50, 10, 0)) < 1e-12)
  assert.ok(Number.isNaN(npmi(0, 0, 0, 0, 0)))
  fc.assert(
    fc.property(fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(50), (both, one, two, none) => {
      const value = npmi(both + one + two + none, both + one, both + two, both, 0.5)
      assert.ok(Number.isNaN(value) || (value >= -1 && value <= 1))
    }),
  )
})
