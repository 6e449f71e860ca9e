import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { testServer } from '../../test/support/context.ts'

test('the first load of the screens is sent compressed, in at most 200 kB of gzip', async (t) => {
  const { app } = await testServer(t)
  const get = (url: string, encoding: string) =>
    app.server.inject({ url, headers: { 'accept-encoding': encoding, host: '127.0.0.1' } })
  const page = await get('/', 'identity')
  assert.equal(page.statusCode, 200)
  const assets = [...page.body.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
  assert.ok(assets.length >= 2, page.body)
  let total = gzipSync(page.rawPayload).length
  for (const path of assets) {
    const sent = await get(path, 'gzip')
    assert.equal(sent.headers['content-encoding'], 'gzip', path)
    assert.match(String(sent.headers['cache-control']), /immutable/)
    total += sent.rawPayload.length
    assert.equal((await get(path, 'gzip, br')).headers['content-encoding'], 'br', path)
  }
  assert.ok(total <= 200_000, `${total} bytes`)
})

test('a screen has the page, unchanged since the last time it has no body, and a path of a protocol has neither', async (t) => {
  const { app } = await testServer(t)
  const get = (url: string, headers: Record<string, string> = {}) =>
    app.server.inject({ url, headers: { host: '127.0.0.1', ...headers } })
  const page = await get('/models/flight-delay')
  assert.match(String(page.headers['content-type']), /text\/html/)
  assert.match(String(page.headers['content-security-policy']), /default-src 'self'/)
  assert.equal((await get('/', { 'if-none-match': String(page.headers['etag']) })).statusCode, 304)
  for (const path of ['/api/v1/nothing', '/v1/nothing', '/assets/none.js', '/.fingerprint', '/..%2fpackage.json'])
    assert.equal((await get(path)).statusCode, 404, path)
})
