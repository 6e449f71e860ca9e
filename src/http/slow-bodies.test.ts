import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { testServer } from '../../test/support/context.ts'
import { raw } from '../../test/support/raw-http.ts'
import { model } from '../../test/support/trips.ts'

test('a body that trickles in is cut off, and one that is too large is refused before it is read', async (t) => {
  const { url, app } = await testServer(t, { bodyPatience: 200 })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  socket.write(`POST /api/v1/predict/${model} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: 100\r\n`)
  socket.write('content-type: application/json\r\n\r\n{')
  const drip = setInterval(() => socket.write(' '), 20)
  t.after(() => clearInterval(drip))
  // Whether a write meets the end as an error or not is chance.
  await new Promise((closed) => socket.once('close', closed))
  clearInterval(drip)
  for (const path of [`/api/v1/predict/${model}`, `/v2/models/${model}/infer`, `/serve/${model}/invocations`]) {
    const reply = await raw(url, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(100 * 1024 ** 2) },
    }).catch((error: Error) => error)
    assert.ok(reply instanceof Error || reply.status === 413, `${path}: ${JSON.stringify(reply)}`)
  }
  assert.equal((await app.server.inject({ url: '/v2/health/live', headers: { host: '127.0.0.1' } })).statusCode, 200)
})
