import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '../support/context.ts'
import { raw, rawJson } from '../support/raw-http.ts'

const script = '<script>alert(document.domain)</script>'

test('no artifact runs on our origin: the type is by name, never by what the uploader said, and it is a download', async (t) => {
  const { url } = await testServer(t)
  const base = '/api/2.0/mlflow-artifacts/artifacts/0/run/artifacts'
  for (const name of [
    'x.html',
    'x.htm',
    'x.svg',
    'x.xhtml',
    'x.xml',
    'x.js',
    'x.mjs',
    'x.swf',
    'x',
    'x.HTML',
    'x.txt',
    'x.html%20',
  ]) {
    const headers = { 'content-type': 'text/html' }
    await raw(url, `${base}/${name}`, { method: 'PUT', headers, body: script })
    const reply = await raw(url, `${base}/${name}`)
    assert.equal(reply.status, 200, name)
    assert.doesNotMatch(String(reply.headers['content-type']), /html|svg|xml|javascript|flash/i, name)
    assert.match(String(reply.headers['content-disposition']), /^attachment/, name)
    assert.equal(reply.headers['x-content-type-options'], 'nosniff', name)
    assert.match(String(reply.headers['content-security-policy']), /sandbox/, name)
  }
})

test('bytes that are linked or read by digest are downloads too', async (t) => {
  const { url, client } = await testServer(t)
  const { digest } = await client.artifacts.putBlob({}, script)
  const { url: link } = await client.artifacts.linkBlob({ digest, filename: 'x.html' })
  for (const path of [link, `/api/v1/blobs/${digest}`]) {
    const { headers } = await raw(url, path)
    assert.equal(headers['content-type'], 'application/octet-stream')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.match(String(headers['content-security-policy']), /sandbox/)
  }
})

test('an error says nothing as HTML, whatever the caller put into path, query, type or body', async (t) => {
  const { url } = await testServer(t)
  const encoded = encodeURIComponent(script)
  const replies = [
    await raw(url, `/api/2.0/mlflow/runs/get?run_id=${encoded}`),
    await raw(url, `/api/2.0/mlflow/${encoded}`),
    await raw(url, `/api/v1/models/${encoded}`),
    await raw(url, `/api/v1/${encoded}`),
    await raw(url, `/api/2.0/mlflow-artifacts/artifacts/${encoded}`),
    await raw(url, '/api/2.0/mlflow/experiments/create', {
      method: 'POST',
      headers: { 'content-type': script },
      body: '{}',
    }),
    await raw(url, '/api/2.0/mlflow/experiments/create', {
      method: 'POST',
      headers: { 'content-type': `text/html;${script}` },
      body: script,
    }),
    await rawJson(url, '/api/2.0/mlflow/experiments/create', { name: script, artifact_location: script }),
    await rawJson(url, '/api/v1/models', { name: script, [script]: 1 }),
  ]
  for (const [index, { status, headers, text }] of replies.entries()) {
    assert.ok(status >= 400 && status < 500, `${index}: ${status}`)
    assert.doesNotMatch(String(headers['content-type'] ?? ''), /html/, `${index}: ${text}`)
  }
})

test('a file name cannot add a header or end the one it is in', async (t) => {
  const { url } = await testServer(t)
  const base = '/api/2.0/mlflow-artifacts/artifacts/0/run/artifacts'
  for (const name of ['a"; filename="b.exe', "a'b", 'ü€', 'a;b', 'a,b']) {
    const path = `${base}/${encodeURIComponent(name)}`
    assert.equal((await raw(url, path, { method: 'PUT', body: 'x' })).status, 200, name)
    const { headers, status } = await raw(url, path)
    assert.equal(status, 200, name)
    const disposition = String(headers['content-disposition'])
    assert.match(disposition, /^attachment; filename="[\w.\- ]*"; filename\*=UTF-8''[^\s";,]+$/, name)
  }
  for (const name of ['a%0d%0aX-Evil:1', 'a%0aSet-Cookie:x=1', 'a%7f'])
    assert.equal((await raw(url, `${base}/${name}`, { method: 'PUT', body: 'x' })).status, 400, name)
})

test('a page of another site cannot change anything, nor read by a name that it made point here', async (t) => {
  const { url } = await testServer(t)
  const body = '{"name": "forged"}'
  const create = (headers: Record<string, string>) =>
    raw(url, '/api/2.0/mlflow/experiments/create', { method: 'POST', body, headers })
  for (const headers of [
    { origin: 'https://evil.example', 'content-type': 'application/json' },
    { origin: 'null', 'content-type': 'application/json' },
    { origin: 'https://evil.example', 'content-type': 'text/plain' },
    { host: 'evil.example', 'content-type': 'application/json' },
    { host: '127.0.0.1.evil.example', 'content-type': 'application/json' },
  ])
    assert.equal((await create(headers)).status, 403, JSON.stringify(headers))
  assert.equal((await raw(url, '/api/v1/runs', { headers: { host: 'evil.example' } })).status, 403)
  const found = await raw(url, '/api/2.0/mlflow/experiments/get-by-name?experiment_name=forged')
  assert.equal(found.status, 404)
  const { headers } = await raw(url, '/api/v1/runs')
  assert.equal(headers['access-control-allow-origin'], undefined)
})
