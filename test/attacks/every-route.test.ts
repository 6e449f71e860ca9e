import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApp } from '../support/context.ts'
import { onPostgres } from '../support/database.ts'
import { routesOfServer, urlOf } from '../support/routes.ts'

/** Names of fields that some call of the API takes; what a call does not know it ignores or refuses. */
const fields = [
  'run_id run_uuid experiment_id experiment_ids experiment_name name new_name key value values step timestamp filter order_by',
  'max_results page_token path source version alias stage stages tags params metrics datasets models model_id model_type status',
  'description url events secret start_time end_time user_id view_type lifecycle_stage artifact_location metric_key upload_id',
  'parts num_parts trace_id trace_ids request_id assessment_id span_id dataset_id records spans info trace limit cursor digest',
  'kind from to at seconds filename files number id model endpoint inputs reason job after subject type query body items',
]
  .join(' ')
  .split(' ')

/** What PostgreSQL and SQLite take differently: letters, sizes and numbers. */
const hostileToEngines: unknown[] = [
  '',
  -1,
  1.5,
  1e308,
  '\u0000',
  '\ud800',
  '99999999999999999999999',
  'x'.repeat(10_000),
]

const hostile: unknown[] = [
  null,
  '',
  0,
  -1,
  1.5,
  1e308,
  true,
  [],
  [null],
  [[]],
  {},
  { a: { b: {} } },
  '../../etc/passwd',
  '\u0000',
  '\ud800',
  "'; drop table runs; --",
  '%',
  'NaN',
  '99999999999999999999999',
  'x'.repeat(10_000),
]

test('no value in any field of any call, of any type, is answered with an error of ours', async (t) => {
  const app = await testApp(t)
  const failures: string[] = []
  for (const route of routesOfServer(app)) {
    for (const value of onPostgres() ? hostileToEngines : hostile) {
      const all = Object.fromEntries(fields.map((field) => [field, value]))
      const text = encodeURIComponent(String(value).toWellFormed()).slice(0, 500) || 'x'
      const url = urlOf(route, text)
      const asText = typeof value === 'object' ? JSON.stringify(value) : String(value).toWellFormed().slice(0, 200)
      const query = new URLSearchParams(Object.fromEntries(fields.map((field) => [field, asText]))).toString()
      const reply = await app.server.inject({
        method: route.method as 'GET',
        url: route.method === 'GET' ? `${url}?${query}` : url,
        headers: { host: '127.0.0.1' },
        ...(route.method === 'GET'
          ? {}
          : { payload: JSON.stringify(all), headers: { host: '127.0.0.1', 'content-type': 'application/json' } }),
      })
      const shown = JSON.stringify(value)?.slice(0, 40)
      if (reply.statusCode >= 500 && reply.statusCode !== 501 && reply.statusCode !== 503)
        failures.push(`${route.method} ${route.pattern} with ${shown}: ${reply.statusCode} ${reply.body.slice(0, 120)}`)
      if (/root:[^:]*:0:0:|\.ts:\d|SQLITE_|sqlite error/i.test(reply.body))
        failures.push(`${route.method} ${route.pattern} with ${shown} leaks: ${reply.body.slice(0, 120)}`)
    }
  }
  assert.deepEqual(failures, [])
})

test('a viewer changes nothing: every route that writes refuses the role', async (t) => {
  const app = await testApp(t, { settings: { host: '0.0.0.0' } })
  const { createToken } = await import('../../src/domains/access/access.ts')
  const { token } = await createToken(app.ctx, { name: 'reader', role: 'viewer' })
  /** Calls that only read although their words come in a body, and those by which everybody signs in and out. */
  const reading =
    /search|batchGet|\/query|preview|plan$|predict|invocations|infer$|completions$|embeddings$|verify|link$|compare|get-latest-versions|bulk|calculate|metrics$|diff|score|\/online$|parity$|\/find$|invitations\/(read|accept)$|sign-(in|out)$|\/password$|\/sessions\//i
  const allowed: string[] = []
  let refused = 0
  for (const route of routesOfServer(app)) {
    if (route.method === 'GET' || reading.test(route.pattern)) continue
    const reply = await app.server.inject({
      method: route.method as 'POST',
      url: urlOf(route),
      remoteAddress: '192.0.2.1',
      headers: { host: 'keel.example', authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      payload: '{}',
    })
    if (reply.statusCode === 403) refused += 1
    else if (reply.statusCode !== 401 && reply.statusCode !== 404)
      allowed.push(`${route.method} ${route.pattern}: ${reply.statusCode}`)
  }
  assert.ok(refused > 60, `only ${refused} routes refused`)
  assert.deepEqual(allowed, [])
})
