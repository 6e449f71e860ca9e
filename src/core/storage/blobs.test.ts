import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { AppError } from '../errors.ts'
import { digestOf } from '../json/json.ts'
import type { Blobs } from './blobs.ts'
import type { Blob } from './digest.ts'
import { diskBlobs } from './disk.ts'

const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code

async function listed(blobs: Blobs): Promise<Blob[]> {
  const found: Blob[] = []
  for await (const { digest, size } of blobs.list()) found.push({ digest, size })
  return found
}

async function collect(stream: Readable): Promise<string> {
  return Buffer.concat(await stream.toArray()).toString()
}

test('bytes come back under the digest of what they are, however they arrive', async (t) => {
  const blobs = diskBlobs(temporaryFolder(t))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), async (chunks) => {
      const whole = Buffer.concat(chunks)
      const fromStream = await blobs.put(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))
      assert.deepEqual(fromStream, { digest: digestOf(whole), size: whole.length })
      assert.deepEqual(await blobs.put(whole), fromStream)
      assert.deepEqual(await blobs.readVerified(fromStream.digest), whole)
    }),
    { numRuns: 30 },
  )
})

test('the same bytes are kept once and listed once', async (t) => {
  const blobs = diskBlobs(temporaryFolder(t))
  const [{ digest }] = await Promise.all([blobs.put(Buffer.from('same')), blobs.put(Buffer.from('same'))])
  assert.deepEqual(await listed(blobs), [{ digest, size: 4 }])
  await blobs.remove(digest)
  assert.equal(await blobs.has(digest), false)
  assert.deepEqual(await listed(blobs), [])
})

test('an inclusive range of the bytes can be read', async (t) => {
  const blobs = diskBlobs(temporaryFolder(t))
  const { digest } = await blobs.put(Buffer.from('0123456789'))
  assert.equal(await collect(await blobs.read(digest, { start: 2, end: 4 })), '234')
})

test('bytes that differ from the digest they were announced by are refused and leave nothing', async (t) => {
  const folder = temporaryFolder(t)
  const blobs = diskBlobs(folder)
  await assert.rejects(blobs.put(Buffer.from('one'), digestOf('two')), withCode('digest_mismatch'))
  assert.deepEqual(await listed(blobs), [])
  assert.deepEqual(await readdir(join(folder, 'tmp')), [])
})

test('a stream that breaks leaves nothing', async (t) => {
  const folder = temporaryFolder(t)
  const blobs = diskBlobs(folder)
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('half')
      throw new Error('the line went dead')
    })(),
  )
  await assert.rejects(blobs.put(broken), /the line went dead/)
  assert.deepEqual(await listed(blobs), [])
  assert.deepEqual(await readdir(join(folder, 'tmp')), [])
})

test('a writer that is killed in the middle leaves nothing visible', async (t) => {
  const folder = temporaryFolder(t)
  const writer = `
    import { diskBlobs } from ${JSON.stringify(new URL('./disk.ts', import.meta.url).href)}
    import { Readable } from 'node:stream'
    async function* endless() {
      for (let i = 0; ; i++) {
        yield Buffer.alloc(65536, 1)
        if (i === 3) process.stdout.write('writing')
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    await diskBlobs(${JSON.stringify(folder)}).put(Readable.from(endless()))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  assert.equal((await readdir(join(folder, 'tmp'))).length, 1)
  assert.deepEqual(await listed(diskBlobs(folder)), [])
})

test('damaged bytes are noticed by every verified read', async (t) => {
  const folder = temporaryFolder(t)
  const blobs = diskBlobs(folder)
  const { digest } = await blobs.put(Buffer.from('original'))
  const hex = digest.slice('sha256:'.length)
  const path = join(folder, 'blobs', hex.slice(0, 2), hex)
  await chmod(path, 0o644)
  await writeFile(path, 'tampered')
  assert.equal(await blobs.verify(digest), false)
  await assert.rejects(blobs.readVerified(digest), withCode('digest_mismatch'))
  await assert.rejects(blobs.localPath(digest), withCode('digest_mismatch'))
})

test('a digest that is a path, or anything but a digest, is refused', async (t) => {
  const blobs = diskBlobs(temporaryFolder(t))
  const hostile = [
    '',
    'sha256:',
    '../../etc/passwd',
    `sha256:../../${'a'.repeat(58)}`,
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(64)}\n`,
    `sha256:${'a'.repeat(63)}/`,
    `md5:${'a'.repeat(32)}`,
  ]
  for (const digest of hostile) {
    await assert.rejects(async () => blobs.read(digest), withCode('invalid_input'), digest)
    await assert.rejects(async () => blobs.has(digest), withCode('invalid_input'), digest)
    await assert.rejects(async () => blobs.remove(digest), withCode('invalid_input'), digest)
  }
})

test('unknown bytes are not found', async (t) => {
  const blobs = diskBlobs(temporaryFolder(t))
  const digest = digestOf('nobody stored this')
  assert.equal(await blobs.has(digest), false)
  await assert.rejects(blobs.read(digest), withCode('not_found'))
  await assert.rejects(blobs.verify(digest), withCode('not_found'))
})
