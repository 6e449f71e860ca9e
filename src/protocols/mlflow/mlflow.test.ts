import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testApp } from '../../../test/support/context.ts'
import type { App } from '../../app.ts'
import { calls } from './mlflow.ts'

const known = new Set([
  'INVALID_PARAMETER_VALUE',
  'RESOURCE_ALREADY_EXISTS',
  'BAD_REQUEST',
  'PERMISSION_DENIED',
  'RESOURCE_DOES_NOT_EXIST',
  'ENDPOINT_NOT_FOUND',
  'NOT_IMPLEMENTED',
])

type Answer = { status: number; code: string; message: string; text: string }

async function ask(app: App, place: string, body?: unknown, version = '2.0'): Promise<Answer> {
  const [method = 'GET', path = ''] = place.split(' ')
  const response = await app.server.inject({
    method: method as 'GET',
    url: `/api/${version}/mlflow/${path}`,
    headers: { host: 'localhost', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const parsed = response.headers['content-type']?.startsWith('application/json')
    ? (JSON.parse(response.body) as { error_code?: string; message?: string })
    : {}
  return {
    status: response.statusCode,
    code: parsed.error_code ?? '',
    message: parsed.message ?? '',
    text: response.body,
  }
}

/** A body in which every field that any call knows has the wrong type. */
const names = (
  'experiment_id experiment_name experiment_ids name new_name run_id run_uuid key value timestamp step metrics params tags ' +
  'datasets models model_id model_json filter filter_string order_by max_results page_token view_type run_view_type status ' +
  'end_time start_time run_name version source description stage stages alias archive_existing_versions metric_key run_ids ' +
  'artifact_location experiment_type source_run_id url events secret trace_id trace_ids request_id assessment dataset_id ' +
  'records scorer serialized_scorer trace trace_info locations input_dataset_ids session_id spans'
).split(' ')

const wrongs: [string, unknown][] = [
  ['a number', 5],
  ['a list of numbers', [5]],
  ['an object', { a: { b: 1 } }],
  ['a list of objects', [{ key: 5, name: [], value: {} }]],
  ['a flag', true],
  ['a long text', 'x'.repeat(20_000)],
  ['a text with a NUL', 'a\u0000b'],
  ['a path that climbs', '../../etc/passwd'],
  ['null', null],
]

test('no route answers a wrong type or a missing field with a 5xx, or in other words than MLflow has', async (t) => {
  const app = await testApp(t)
  for (const { method, path, version = '2.0' } of calls) {
    const place = `${method} ${path.replaceAll(/:\w+/g, '5')}`
    const bodies =
      method === 'GET'
        ? [undefined]
        : [{}, ...wrongs.map(([, wrong]) => Object.fromEntries(names.map((name) => [name, wrong])))]
    const queries =
      method === 'GET'
        ? [
            '',
            ...wrongs.map(
              ([, wrong]) => `?${names.map((name) => `${name}=${encodeURIComponent(String(wrong))}`).join('&')}`,
            ),
          ]
        : ['']
    for (const body of bodies) {
      for (const query of queries) {
        const { status, code, text } = await ask(app, place + query, body, version)
        const shown = `${place}${query.slice(0, 60)} ${JSON.stringify(body ?? '').slice(0, 80)}: ${status} ${text.slice(0, 300)}`
        assert.ok(status === 200 || (status >= 400 && status < 500) || status === 501, shown)
        if (status !== 200) assert.ok(known.has(code), shown)
      }
    }
  }
})

type Row = [place: string, body: unknown, status: number, code: string, message: RegExp]

const invalid = 'INVALID_PARAMETER_VALUE'
const missing = 'RESOURCE_DOES_NOT_EXIST'
const nobody = '0'.repeat(32)

/** What the tests of MLflow's own clients look for. */
const rows: Row[] = [
  ['POST experiments/create', {}, 400, invalid, /^Missing value for required parameter 'name'\.$/],
  ['POST experiments/create', { name: '' }, 400, invalid, /^Missing value for required parameter 'name'/],
  ['POST experiments/create', { name: 5 }, 400, invalid, /^Invalid value 5 for parameter 'name' supplied/],
  [
    'POST experiments/create',
    { name: 'Default' },
    400,
    'RESOURCE_ALREADY_EXISTS',
    /^Experiment\(name=Default\) already exists/,
  ],
  ['POST experiments/create', { name: 'x', artifact_location: '/etc' }, 400, invalid, /Invalid artifact location/],
  [
    'POST experiments/create',
    { name: 'x', tags: 'a' },
    400,
    invalid,
    /^Invalid value "a" for parameter 'tags' supplied/,
  ],
  ['GET experiments/get', undefined, 400, invalid, /'experiment_id'/],
  ['GET experiments/get?experiment_id=99', undefined, 404, missing, /^No Experiment with id=99 exists/],
  ['GET experiments/get-by-name?experiment_name=no', undefined, 404, missing, /no/],
  ['POST experiments/search', { max_results: 0 }, 400, invalid, /'max_results'/],
  [
    'POST experiments/search',
    { max_results: 'many' },
    400,
    invalid,
    /^Invalid value "many" for parameter 'max_results'/,
  ],
  ['POST experiments/search', { page_token: 'no' }, 400, invalid, /^Invalid page token/],
  ['POST experiments/search', { view_type: 'SOME' }, 400, invalid, /^Invalid value "SOME" for parameter 'view_type'/],
  ['POST experiments/delete', { experiment_id: '99' }, 404, missing, /^No Experiment with id=99 exists/],
  ['POST experiments/update', { experiment_id: '0' }, 400, invalid, /'new_name'/],
  ['POST runs/create', { experiment_id: '99' }, 404, missing, /^No Experiment with id=99 exists/],
  ['POST runs/create', { experiment_id: 5 }, 400, invalid, /'experiment_id'/],
  ['POST runs/create', { tags: [{ key: 5 }] }, 400, invalid, /tags\[0\]\.key/],
  ['POST runs/create', { start_time: 'soon' }, 400, invalid, /'start_time'/],
  ['POST runs/create', { run_name: 'a', tags: [{ key: 'mlflow.runName', value: 'b' }] }, 400, invalid, /a.*b|b.*a/],
  ['GET runs/get', undefined, 400, invalid, /^Missing value for required parameter 'run_id'/],
  [`GET runs/get?run_id=${nobody}`, undefined, 404, missing, new RegExp(`^Run with id=${nobody} not found`)],
  ['GET runs/get?run_id=..%2Fetc', undefined, 400, invalid, /'run_id'/],
  [
    'POST runs/update',
    { run_id: nobody, status: 'DONE' },
    400,
    invalid,
    /^Invalid value "DONE" for parameter 'status'/,
  ],
  [
    'POST runs/log-metric',
    { run_id: nobody, value: 1, timestamp: 1 },
    400,
    invalid,
    /^Missing value for required parameter 'key'/,
  ],
  [
    'POST runs/log-metric',
    { run_id: nobody, key: 'a', timestamp: 1 },
    400,
    invalid,
    /^Missing value for required parameter 'value'/,
  ],
  [
    'POST runs/log-metric',
    { run_id: nobody, key: 'a', value: 1 },
    400,
    invalid,
    /^Missing value for required parameter 'timestamp'/,
  ],
  [
    'POST runs/log-metric',
    { run_id: nobody, key: 'a', value: 'x', timestamp: 1 },
    400,
    invalid,
    /^Invalid value "x" for parameter 'value'/,
  ],
  [
    'POST runs/log-metric',
    { run_id: nobody, key: '../a', value: 1, timestamp: 1 },
    400,
    invalid,
    /for parameter 'key' supplied/,
  ],
  ['POST runs/log-metric', { run_id: nobody, key: 'a', value: 1, timestamp: 1 }, 404, missing, /^Run with id=/],
  [
    'POST runs/log-batch',
    { run_id: nobody, metrics: [{ key: 'a', value: 1, timestamp: 'x' }] },
    400,
    invalid,
    /metrics\[0\]\.timestamp/,
  ],
  [
    'POST runs/log-batch',
    { run_id: nobody, metrics: [{ key: 'a', value: 1 }] },
    400,
    invalid,
    /metrics\[0\]\.timestamp/,
  ],
  ['POST runs/log-batch', { run_id: nobody, params: [{ key: 'a', value: 5 }] }, 400, invalid, /params\[0\]\.value/],
  [
    'POST runs/log-batch',
    { run_id: nobody, params: Array(101).fill({ key: 'a', value: 'b' }) },
    400,
    invalid,
    /at most 100 params/,
  ],
  [
    'POST runs/log-batch',
    { run_id: nobody, params: [{ key: 'a' }, { key: 'a' }] },
    400,
    invalid,
    /Duplicate parameter keys/,
  ],
  ['POST runs/search', { experiment_ids: ['0'], filter: "metrics.a = 'x'" }, 400, invalid, /./],
  ['POST runs/search', { experiment_ids: ['0'], filter: 'params.a = 5' }, 400, invalid, /./],
  ['POST runs/search', { experiment_ids: ['0'], filter: 'a b c' }, 400, invalid, /filter/i],
  [
    'POST runs/search',
    { experiment_ids: ['0'], order_by: ['metrics.a', 'metrics.a'] },
    400,
    invalid,
    /duplicate fields/,
  ],
  ['POST runs/search', { experiment_ids: ['0'], max_results: 50_001 }, 400, invalid, /'max_results'/],
  ['GET metrics/get-history?run_id=a', undefined, 400, invalid, /'metric_key'/],
  ['POST registered-models/create', {}, 400, invalid, /name/],
  ['POST registered-models/create', { name: 'a/b' }, 400, invalid, /name/],
  ['GET registered-models/get?name=no', undefined, 404, missing, /^Registered Model with name=no not found/],
  ['GET registered-models/alias?name=no&alias=a', undefined, 404, missing, /no/],
  ['POST registered-models/alias', { name: 'no', alias: 'latest', version: '1' }, 400, invalid, /reserved/],
  ['POST registered-models/alias', { name: 'no', alias: 'v1', version: '1' }, 400, invalid, /reserved/],
  ['POST registered-models/alias', { name: 'no', alias: 'a', version: 'x' }, 400, invalid, /version/],
  ['POST model-versions/create', { name: 'no', source: 's3://a' }, 404, missing, /no/],
  ['GET model-versions/get?name=no&version=x', undefined, 400, invalid, /version/],
  [
    'GET model-versions/get?name=no&version=1',
    undefined,
    404,
    missing,
    /^Model Version \(name=no, version=1\) not found/,
  ],
  ['POST model-versions/transition-stage', { name: 'no', version: '1', stage: 'Prod' }, 404, missing, /not found/],
  ['GET logged-models/m-5', undefined, 404, missing, /./],
  ['POST logged-models', { experiment_id: '99', name: 'a' }, 404, missing, /./],
]

test("what is missing or of the wrong type is told in MLflow's codes and words", async (t) => {
  const app = await testApp(t)
  for (const [place, body, status, code, message] of rows) {
    const answer = await ask(app, place, body)
    const shown = `${place} ${JSON.stringify(body ?? '').slice(0, 120)}: ${answer.text}`
    assert.deepEqual([answer.status, answer.code], [status, code], shown)
    assert.match(answer.message, message, shown)
  }
})

async function modelOf(t: TestContext): Promise<App> {
  const app = await testApp(t)
  assert.equal((await ask(app, 'POST registered-models/create', { name: 'delay' })).status, 200)
  return app
}

test('a source that aims at a disk is refused, whatever the version claims to be', async (t) => {
  const app = await modelOf(t)
  for (const source of [
    '/etc',
    'file:///etc',
    './x',
    'C:\\x',
    'http:///#/../../etc',
    's3://a/../b',
    'dbfs:/a/%2e%2e/b',
  ])
    for (const tags of [[], [{ key: 'mlflow.prompt.is_prompt', value: 'true' }]]) {
      const { status, code, text } = await ask(app, 'POST model-versions/create', { name: 'delay', source, tags })
      assert.deepEqual([status, code], [400, invalid], `${source}: ${text}`)
      assert.match(text, /Invalid model version source/)
    }
})

test('bodies: JSON within JSON is read, anything else that is not an object is refused', async (t) => {
  const app = await testApp(t)
  const twice = JSON.stringify(JSON.stringify({ name: 'twice' }))
  assert.equal((await ask(app, 'POST experiments/create', twice)).status, 200)
  for (const body of ['[1]', '5', '{', 'null', '"x"']) {
    const { status, code } = await ask(app, 'POST experiments/create', body)
    assert.deepEqual([status, code], [400, invalid], body)
  }
  const response = await app.server.inject({
    method: 'POST',
    url: '/api/2.0/mlflow/experiments/create',
    headers: { host: 'localhost', 'content-type': 'text/html' },
    payload: '<b>',
  })
  assert.equal(response.statusCode, 400)
  assert.match(response.body, /Content-Type must be one of \['application\/json'\]/)
})
