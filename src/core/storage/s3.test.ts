import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { testBucket } from '../../../test/support/s3.ts'
import { AppError } from '../errors.ts'
import { digestOf } from '../json/json.ts'
import type { Blobs } from './blobs.ts'
import { diskBlobs } from './disk.ts'
import { s3Blobs } from './s3.ts'

const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code

/** The same sentences for both makers: a folder, and a real S3 store. */
function onBoth(title: string, run: (t: TestContext, blobs: Blobs) => Promise<void>): void {
  test(`${title} (disk)`, (t) => run(t, diskBlobs(temporaryFolder(t))))
  test(`${title} (S3)`, async (t) => {
    const url = await testBucket(t)
    if (url === undefined) return t.skip('TEST_S3 is not set')
    const blobs = await s3Blobs(url, { cacheFolder: join(temporaryFolder(t), 'cache'), cacheLimit: 1e9 })
    t.after(() => blobs.close())
    await run(t, blobs)
  })
}

async function textOf(stream: Readable): Promise<string> {
  return Buffer.concat(await stream.toArray()).toString()
}

onBoth('bytes are stored once under their digest, read whole and by range, verified and removed', async (_t, blobs) => {
  const bytes = Buffer.from('0123456789')
  const first = await blobs.put(Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]))
  assert.deepEqual(first, { digest: digestOf(bytes), size: 10 })
  assert.deepEqual(await blobs.put(bytes), first)
  const { digest } = first
  assert.equal(await textOf(await blobs.read(digest)), '0123456789')
  assert.equal(await textOf(await blobs.read(digest, { start: 2, end: 4 })), '234')
  assert.deepEqual(await blobs.readVerified(digest), bytes)
  assert.deepEqual(await readFile(await blobs.localPath(digest)), bytes)
  assert.equal(await blobs.verify(digest), true)
  const listed: string[] = []
  for await (const blob of blobs.list()) {
    assert.deepEqual([blob.size, Math.abs(Date.now() - blob.storedAt.getTime()) < 60_000], [10, true])
    listed.push(blob.digest)
  }
  assert.deepEqual(listed, [digest])
  await blobs.remove(digest)
  assert.equal(await blobs.has(digest), false)
  await assert.rejects(async () => blobs.read(digest), withCode('not_found'))
  await assert.rejects(blobs.size(digest), withCode('not_found'))
})

onBoth('bytes of another digest than announced are refused and leave nothing', async (_t, blobs) => {
  await assert.rejects(blobs.put(Buffer.from('one'), digestOf('two')), withCode('digest_mismatch'))
  for await (const blob of blobs.list()) assert.fail(blob.digest)
})

onBoth('an upload in parts is resumed, joined in order, and seen by nobody before', async (_t, blobs) => {
  const parts = [randomBytes(5 * 1024 * 1024), randomBytes(5 * 1024 * 1024), Buffer.from('the end')]
  const whole = Buffer.concat(parts)
  const draft = await blobs.drafts.begin()
  const send = (index: number) => blobs.drafts.putPart(draft, index + 1, Readable.from([parts[index] ?? '']))
  await send(2)
  await send(0)
  assert.deepEqual(
    (await blobs.drafts.parts(draft)).map(({ number, size }) => ({ number, size })),
    [
      { number: 1, size: 5 * 1024 * 1024 },
      { number: 3, size: 7 },
    ],
  )
  const numbers = [{ number: 3 }, { number: 1 }, { number: 2 }]
  await assert.rejects(blobs.drafts.complete(draft, numbers), withCode('invalid_input'))
  await blobs.drafts.putPart(draft, 2, Readable.from([randomBytes(5 * 1024 * 1024)]))
  const { etag } = await send(1)
  const wrong = [{ number: 1 }, { number: 2, etag: `${etag}x` }, { number: 3 }]
  await assert.rejects(blobs.drafts.complete(draft, wrong), withCode('invalid_input'))
  for await (const blob of blobs.list()) assert.fail(blob.digest)
  const blob = await blobs.drafts.complete(draft, numbers)
  assert.deepEqual(blob, { digest: digestOf(whole), size: whole.length })
  assert.deepEqual(await blobs.readVerified(blob.digest), whole)
  await assert.rejects(async () => blobs.drafts.parts(draft), withCode('not_found'))
})

onBoth(
  'an upload that is given up leaves nothing, and a completed one of the wrong digest neither',
  async (_t, blobs) => {
    const draft = await blobs.drafts.begin()
    await blobs.drafts.putPart(draft, 1, Readable.from([Buffer.from('x')]))
    await blobs.drafts.abort(draft)
    await assert.rejects(async () => blobs.drafts.parts(draft), withCode('not_found'))
    const other = await blobs.drafts.begin()
    await blobs.drafts.putPart(other, 1, Readable.from([Buffer.from('x')]))
    await assert.rejects(blobs.drafts.complete(other, [{ number: 1 }], digestOf('y')), withCode('digest_mismatch'))
    for await (const blob of blobs.list()) assert.fail(blob.digest)
  },
)

test('on S3, a link takes a part and a link gives the bytes, without other credentials, and a changed link does not', async (t) => {
  const url = await testBucket(t)
  if (url === undefined) return t.skip('TEST_S3 is not set')
  const blobs = await s3Blobs(url, { cacheFolder: temporaryFolder(t), cacheLimit: 1e9 })
  t.after(() => blobs.close())
  const draft = await blobs.drafts.begin()
  const link = (await blobs.drafts.partUrl?.(draft, 1, 60)) ?? ''
  assert.equal((await fetch(link.replace('partNumber=1', 'partNumber=2'), { method: 'PUT', body: 'x' })).status, 403)
  const sent = await fetch(link, { method: 'PUT', body: 'by link' })
  assert.equal(sent.status, 200)
  const { digest } = await blobs.drafts.complete(draft, [{ number: 1, etag: sent.headers.get('etag') ?? '' }])
  assert.equal(digest, digestOf('by link'))
  const options = { seconds: 60, filename: 'a b.txt', contentType: 'text/plain' }
  const download = await fetch((await blobs.downloadUrl?.(digest, options)) ?? '')
  assert.equal(await download.text(), 'by link')
  assert.match(download.headers.get('content-disposition') ?? '', /attachment/)
})

test('on S3, what another program damaged is noticed by every verified read', async (t) => {
  const url = await testBucket(t)
  if (url === undefined) return t.skip('TEST_S3 is not set')
  const options = { cacheFolder: temporaryFolder(t), cacheLimit: 0 }
  const writer = await s3Blobs(url, options)
  const { digest } = await writer.put(Buffer.from('original'))
  const { S3Client, PutObjectCommand } = await import('@aws-sdk/client-s3')
  const place = new URL(url)
  const endpoint = place.searchParams.get('endpoint') ?? ''
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true })
  const hex = digest.slice('sha256:'.length)
  const Key = `some/where/blobs/${hex.slice(0, 2)}/${hex}`
  await client.send(new PutObjectCommand({ Bucket: place.host, Key, Body: 'tampered' }))
  const reader = await s3Blobs(url, { ...options, cacheFolder: temporaryFolder(t) })
  t.after(() => [writer, reader, { close: () => client.destroy() }].map((one) => one.close()))
  assert.equal(await reader.verify(digest), false)
  await assert.rejects(reader.readVerified(digest), withCode('digest_mismatch'))
  await assert.rejects(reader.localPath(digest), withCode('digest_mismatch'))
})

test('on S3, a file of several parts arrives whole', async (t) => {
  const url = await testBucket(t)
  if (url === undefined) return t.skip('TEST_S3 is not set')
  const writer = await s3Blobs(url, { cacheFolder: temporaryFolder(t), cacheLimit: 0 })
  const reader = await s3Blobs(url, { cacheFolder: temporaryFolder(t), cacheLimit: 0 })
  t.after(() => [writer, reader].map((one) => one.close()))
  const bytes = randomBytes(40 * 1024 * 1024)
  const { digest } = await writer.put(bytes)
  assert.equal(await reader.size(digest), bytes.length)
  assert.equal(await reader.verify(digest), true)
})
