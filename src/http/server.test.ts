import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '../../test/support/context.ts'
import { api } from '../contract.ts'
import type { Door } from '../core/contract.ts'
import type { access } from '../domains/access/contract.ts'

// @ts-expect-error An operation without a function does not compile.
const incomplete: Door<typeof access> = { whoami: () => ({ name: 'x', role: 'viewer' }) }

test('the contract names operations that a door may lack only by not compiling', () => {
  assert.deepEqual(Object.keys(incomplete), ['whoami'])
})

test('a refused request is a problem document with code, name, hint and request id', async (t) => {
  const { url } = await testServer(t)
  const response = await fetch(`${url}/api/v1/models/nothing`)
  assert.equal(response.status, 404)
  assert.match(String(response.headers.get('content-type')), /^application\/problem\+json/)
  const problem = (await response.json()) as Record<string, unknown>
  assert.deepEqual([problem['code'], problem['name'], problem['status']], ['not_found', 'nothing', 404])
  assert.match(String(problem['requestId']), /^req_/)
})

test('a path that cannot be read, or is too long, and a body that is too large are problem documents too', async (t) => {
  const { url } = await testServer(t)
  const bodies = [
    ['/api/v1/predict/%FF', '{}', 400, 'invalid_input'],
    [`/api/v1/predict/${'a'.repeat(3_000)}`, '{}', 414, 'uri_too_long'],
    ['/api/v1/predict/x', `{"inputs": "${'a'.repeat(9_000_000)}"}`, 413, 'too_large'],
  ] as const
  for (const [path, body, status, code] of bodies) {
    const response = await fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    assert.match(String(response.headers.get('content-type')), /^application\/problem\+json/)
    const problem = (await response.json()) as Record<string, unknown>
    assert.deepEqual([response.status, problem['code']], [status, code])
    assert.ok(String(problem['detail']).length <= 300)
  }
})

test('a page of another site is refused, and so is a host that is not this one', async (t) => {
  const { app } = await testServer(t)
  const call = (headers: Record<string, string>) => app.server.inject({ method: 'GET', url: '/api/v1/models', headers })
  assert.equal((await call({ host: '127.0.0.1', origin: 'http://evil.example' })).statusCode, 403)
  assert.equal((await call({ host: 'rebound.example' })).statusCode, 403)
  assert.equal((await call({ host: '127.0.0.1:5335', origin: 'http://127.0.0.1:5335' })).statusCode, 200)
})

test('no mistake of a caller is an error of the server', async (t) => {
  const { app } = await testServer(t)
  const bodies = ['', 'null', '[]', '"x"', '{', '{"rows":{}}', '{"name":null}', `{"name":"${'x'.repeat(300)}"}`]
  for (const [domain, operations] of Object.entries(api)) {
    for (const [name, operation] of Object.entries(operations)) {
      const url = `/api/v1${operation.path.replaceAll(/:[A-Za-z]+/g, '..%2F..%2Fetc')}`
      for (const payload of bodies) {
        const headers = { host: '127.0.0.1', 'content-type': 'application/json' }
        const reply = await app.server.inject({
          method: operation.method,
          url,
          headers,
          ...(operation.method === 'GET' ? {} : { payload }),
        })
        assert.ok(reply.statusCode < 500, `${domain}.${name} answered ${reply.statusCode} to ${payload}: ${reply.body}`)
      }
    }
  }
})

test('OpenAPI 3.1 names every operation of the contract with its inputs', async (t) => {
  const { url } = await testServer(t)
  const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as {
    openapi: string
    paths: Record<string, Record<string, { operationId: string; parameters?: { name: string; in: string }[] }>>
  }
  assert.equal(document.openapi, '3.1.0')
  const found = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  )
  const wanted = Object.entries(api).flatMap(([domain, operations]) =>
    Object.keys(operations).map((name) => `${domain}.${name}`),
  )
  assert.deepEqual(found.sort(), wanted.sort())
  const live = document.paths['/api/v1/models/{model}/live']?.['get']?.parameters
  assert.deepEqual(
    live?.map((parameter) => [parameter.name, parameter.in]),
    [
      ['model', 'path'],
      ['at', 'query'],
    ],
  )
})

test('an operation that answers bytes serves them under nosniff, so that no browser runs them', async (t) => {
  const { url, client } = await testServer(t)
  const { digest } = await client.artifacts.putBlob({}, '<script>alert(1)</script>')
  const response = await fetch(`${url}/api/v1/blobs/${digest}`)
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(response.headers.get('content-type'), 'application/octet-stream')
})
