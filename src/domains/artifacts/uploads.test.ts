import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { testBucket } from '../../../test/support/s3.ts'
import type { ProblemError } from '../../client/client.ts'
import { hour } from '../../core/duration.ts'
import { digestOf } from '../../core/json/json.ts'

const refusedAs = (code: string) => (error: ProblemError) => error.problem.code === code

type Server = Awaited<ReturnType<typeof testServer>>

/** The same sentences over HTTP with the bytes in a folder, and on a real S3 store. */
function onBoth(title: string, run: (t: TestContext, server: Server) => Promise<void>): void {
  test(`${title} (disk)`, async (t) => run(t, await testServer(t)))
  test(`${title} (S3)`, async (t) => {
    const blobs = await testBucket(t)
    if (blobs === undefined) return t.skip('TEST_S3 is not set')
    await run(t, await testServer(t, { settings: { blobs } }))
  })
}

onBoth('an upload goes on where it stopped, and completing it twice is completing it once', async (_t, { client }) => {
  const parts = [randomBytes(5 * 1024 * 1024), randomBytes(5 * 1024 * 1024), Buffer.from('the end')]
  const { upload, partBytes } = await client.artifacts.startUpload({})
  assert.equal(partBytes, 64 * 1024 * 1024)
  await client.artifacts.putPart({ upload, number: 1 }, parts[0] ?? '')
  await client.artifacts.putPart({ upload, number: 3 }, parts[2] ?? '')
  const state = await client.artifacts.getUpload({ upload })
  assert.deepEqual(
    state.parts.map(({ number }) => number),
    [1, 3],
  )
  await assert.rejects(client.artifacts.completeUpload({ upload }), refusedAs('invalid_input'))
  await client.artifacts.putPart({ upload, number: 2 }, parts[1] ?? '')
  const whole = Buffer.concat(parts)
  const done = await client.artifacts.completeUpload({ upload, digest: digestOf(whole) })
  assert.deepEqual(done, { digest: digestOf(whole), size: whole.length })
  assert.deepEqual(await client.artifacts.completeUpload({ upload }), done)
  const response = await client.artifacts.getBlob({ digest: done.digest })
  assert.equal(digestOf(Buffer.from(await response.arrayBuffer())), done.digest)
  await assert.rejects(client.artifacts.putPart({ upload, number: 4 }, 'more'), refusedAs('not_found'))
})

onBoth('an upload that is given up is gone', async (_t, { client }) => {
  const { upload } = await client.artifacts.startUpload({})
  await client.artifacts.putPart({ upload, number: 1 }, 'x')
  await client.artifacts.abortUpload({ upload })
  await assert.rejects(client.artifacts.getUpload({ upload }), refusedAs('not_found'))
})

onBoth(
  'one range of the bytes is sent, what is unchanged is not, and what lies beyond is 416',
  async (_t, { client, url }) => {
    const { digest } = await client.artifacts.putBlob({}, '0123456789')
    const get = async (headers: Record<string, string>) => {
      const reply = await fetch(`${url}/api/v1/blobs/${digest}`, { headers })
      return [reply.status, await reply.text(), reply.headers.get('content-range')]
    }
    assert.deepEqual(await get({}), [200, '0123456789', null])
    assert.deepEqual(await get({ range: 'bytes=2-4' }), [206, '234', 'bytes 2-4/10'])
    assert.deepEqual(await get({ range: 'bytes=7-' }), [206, '789', 'bytes 7-9/10'])
    assert.deepEqual(await get({ range: 'bytes=-3' }), [206, '789', 'bytes 7-9/10'])
    assert.deepEqual(await get({ range: 'bytes=8-99' }), [206, '89', 'bytes 8-9/10'])
    assert.deepEqual(await get({ range: 'bytes=10-' }), [416, '', 'bytes */10'])
    assert.deepEqual(await get({ range: 'bytes=0-1,3-4' }), [200, '0123456789', null])
    assert.deepEqual(await get({ range: 'lines=0-1' }), [200, '0123456789', null])
    assert.deepEqual(await get({ range: 'bytes=2-4', 'if-range': '"another"' }), [200, '0123456789', null])
    assert.deepEqual(await get({ 'if-none-match': `"${digest}"` }), [304, '', null])
    const head = await fetch(`${url}/api/v1/blobs/${digest}`, { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, '10'])
  },
)

onBoth('a link gives the bytes without a token, until it expires or is changed', async (_t, { client, url }) => {
  const { digest } = await client.artifacts.putBlob({}, 'shared')
  const { url: link } = await client.artifacts.linkBlob({ digest, seconds: 60, filename: 'a b.txt' })
  const full = link.startsWith('/') ? `${url}${link}` : link
  const reply = await fetch(full)
  assert.deepEqual([reply.status, await reply.text()], [200, 'shared'])
  assert.match(reply.headers.get('content-disposition') ?? '', /^attachment/)
  for (const changed of [
    full.replace(/[a-z0-9](?=[^a-z0-9]*$)/, '_'),
    full.replace(/expires=\d+/i, 'expires=9999999999'),
  ]) {
    if (changed === full) continue
    assert.ok([401, 403].includes((await fetch(changed)).status), changed)
  }
})

onBoth("MLflow's clients send a file in parts to links, and read it back by a link", async (_t, { url }) => {
  const base = `${url}/api/2.0/mlflow-artifacts`
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${base}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: reply.status, body: (await reply.json()) as Created }
  }
  type Created = { upload_id: string; credentials: { url: string; part_number: number }[]; error_code?: string }
  const bytes = [randomBytes(5 * 1024 * 1024), randomBytes(1000)]
  const { body: made } = await post('mpu/create/1/run/artifacts/model', { path: '/home/me/weights.bin', num_parts: 2 })
  const parts: object[] = []
  for (const { url: link, part_number } of made.credentials) {
    const sent = await fetch(link, { method: 'PUT', body: bytes[part_number - 1] ?? '' })
    assert.equal(sent.status, 200)
    parts.push({ part_number, etag: sent.headers.get('etag'), url: link })
  }
  const end = { path: '/home/me/weights.bin', upload_id: made.upload_id, parts }
  assert.equal((await post('mpu/complete/1/run/artifacts/model', end)).status, 200)
  const whole = Buffer.concat(bytes)
  const file = await fetch(`${base}/artifacts/1/run/artifacts/model/weights.bin`)
  assert.equal(digestOf(Buffer.from(await file.arrayBuffer())), digestOf(whole))
  const reply = await fetch(`${base}/presigned/1/run/artifacts/model/weights.bin`)
  const { url: link, file_size } = (await reply.json()) as { url: string; file_size: number }
  assert.equal(file_size, whole.length)
  const range = await fetch(link, { headers: { range: 'bytes=10-19' } })
  assert.deepEqual(Buffer.from(await range.arrayBuffer()), whole.subarray(10, 20))
  const given = await post('mpu/create/1/run/artifacts', { path: 'x', num_parts: 1 })
  assert.equal((await post('mpu/abort/1/run/artifacts', { path: 'x', upload_id: given.body.upload_id })).status, 200)
  assert.equal((await post('mpu/abort/1/run/artifacts', { path: 'x', upload_id: given.body.upload_id })).status, 404)
  for (const bad of [{ path: 'x', num_parts: 0 }, { path: 'x', num_parts: 1e9 }, { path: '..' }, { path: 'a/' }, {}])
    assert.equal((await post('mpu/create/1/run/artifacts', bad)).status, 400, JSON.stringify(bad))
})

test('a link for a part takes that part only, and not for ever', async (t) => {
  const { url, app } = await testServer(t)
  const reply = await fetch(`${url}/api/2.0/mlflow-artifacts/mpu/create/a`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path: 'x', num_parts: 2 }),
  })
  const { credentials } = (await reply.json()) as { credentials: { url: string }[] }
  const link = credentials[0]?.url ?? ''
  const put = async (target: string) => (await fetch(target, { method: 'PUT', body: 'x' })).status
  assert.equal(await put(link.replace('/1?', '/2?')), 401)
  assert.equal(await put(link.replace(/signature=./, 'signature=_')), 401)
  assert.equal(await put(link.replace(/expires=\d+/, 'expires=9999999999')), 401)
  assert.equal(await put(link.replace(/\?.*/, '')), 401)
  const { wall } = app.ctx.clock
  Object.assign(app.ctx.clock, { wall: () => Date.now() + 7 * hour })
  assert.equal(await put(link), 401)
  Object.assign(app.ctx.clock, { wall })
  assert.equal(await put(link), 200)
})

test('bytes that were damaged on disk never arrive complete', async (t) => {
  const { url, app, client } = await testServer(t)
  const { digest } = await client.artifacts.putBlob({}, randomBytes(300_000))
  const hex = digest.slice('sha256:'.length)
  const path = join(app.ctx.folder, 'blobs', hex.slice(0, 2), hex)
  await chmod(path, 0o644)
  await writeFile(path, randomBytes(300_000))
  await assert.rejects(async () => (await fetch(`${url}/api/v1/blobs/${digest}`)).arrayBuffer())
})
