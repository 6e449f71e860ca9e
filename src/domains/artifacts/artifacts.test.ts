import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { testContext, testServer } from '../../../test/support/context.ts'
import type { ProblemError } from '../../client/client.ts'
import type { Context } from '../../core/context.ts'
import { AppError } from '../../core/errors.ts'
import { digestOf } from '../../core/json/json.ts'
import * as artifacts from './artifacts.ts'
import { manifest } from './rules.ts'

const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code

async function file(ctx: Context, path: string, text: string) {
  const { digest, size } = await artifacts.putBlob(ctx, {}, Readable.from([Buffer.from(text)]))
  return { path, digest, size }
}

test('an artifact is named by its manifest: the same files in any order are the same artifact', async (t) => {
  const ctx = await testContext(t)
  const files = [
    await file(ctx, 'model.onnx', 'weights'),
    await file(ctx, 'b/a.txt', 'a'),
    await file(ctx, 'b.txt', 'b'),
  ]
  const first = await artifacts.create(ctx, { files })
  const second = await artifacts.create(ctx, { files: files.toReversed() })
  assert.deepEqual(second, first)
  assert.deepEqual(
    first.files.map(({ path }) => path),
    ['b.txt', 'b/a.txt', 'model.onnx'],
  )
  assert.equal(first.size, 9)
  assert.deepEqual(await artifacts.get(ctx, { digest: first.digest }), first)
})

test('the digest of a tree depends on every path, digest and size and on nothing else', () => {
  const entry = fc.record({
    path: fc.stringMatching(/^[a-z]{1,8}$/),
    digest: fc.uint8Array({ maxLength: 8 }).map(digestOf),
    size: fc.nat(),
  })
  const tree = fc.uniqueArray(entry, { selector: ({ path }) => path, minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(tree, (files) => {
      const { digest } = manifest(files)
      assert.equal(manifest(files.toReversed()).digest, digest)
      for (const [index, changed] of files.entries()) {
        for (const other of [
          { ...changed, path: `${changed.path}_` },
          { ...changed, digest: digestOf(changed.digest) },
          { ...changed, size: changed.size + 1 },
        ]) {
          assert.notEqual(manifest(files.with(index, other)).digest, digest)
        }
      }
    }),
  )
})

test('paths that lead out of an artifact, or say one thing twice, are refused', async (t) => {
  const ctx = await testContext(t)
  const { digest, size } = await file(ctx, 'a', 'a')
  const hostile = [
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a/..',
    './a',
    'a/./b',
    'a//b',
    'a/',
    '..\\x',
    'C:/x',
    'a\u0000b',
    'a\nb',
  ]
  for (const path of hostile) {
    await assert.rejects(artifacts.create(ctx, { files: [{ path, digest, size }] }), withCode('invalid_input'), path)
  }
  const twice = { path: 'a', digest, size }
  await assert.rejects(artifacts.create(ctx, { files: [twice, twice] }), withCode('invalid_input'))
  const below = { path: 'a/b', digest, size }
  const beside = { path: 'a.b', digest, size }
  await assert.rejects(artifacts.create(ctx, { files: [twice, beside, below] }), withCode('invalid_input'))
})

test('an artifact names only bytes that are stored, with their true size', async (t) => {
  const ctx = await testContext(t)
  const stored = await file(ctx, 'a', 'four')
  const missing = { path: 'a', digest: digestOf('nowhere'), size: 7 }
  await assert.rejects(artifacts.create(ctx, { files: [missing] }), withCode('not_found'))
  await assert.rejects(artifacts.create(ctx, { files: [{ ...stored, size: 5 }] }), withCode('invalid_input'))
  assert.deepEqual((await artifacts.list(ctx, {})).items, [])
})

test('verifying names the files whose bytes were damaged or lost', async (t) => {
  const ctx = await testContext(t)
  const [kept, damaged, lost] = [
    await file(ctx, 'a', 'kept'),
    await file(ctx, 'b', 'bad'),
    await file(ctx, 'c', 'gone'),
  ]
  const { digest } = await artifacts.create(ctx, { files: [kept, damaged, lost] })
  assert.deepEqual(await artifacts.verify(ctx, { digest }), { digest, ok: true, damaged: [] })
  const hex = damaged.digest.slice('sha256:'.length)
  const path = join(ctx.folder, 'blobs', hex.slice(0, 2), hex)
  await chmod(path, 0o644)
  await writeFile(path, 'BAD')
  await ctx.blobs.remove(lost.digest)
  assert.deepEqual(await artifacts.verify(ctx, { digest }), { digest, ok: false, damaged: ['b', 'c'] })
})

test('artifacts are listed newest first, page by page', async (t) => {
  const ctx = await testContext(t)
  const made: string[] = []
  for (const name of ['a', 'b', 'c']) {
    made.push((await artifacts.create(ctx, { files: [await file(ctx, name, name)] })).digest)
    ctx.clock.set(new Date(ctx.now().getTime() + 1000))
  }
  const first = await artifacts.list(ctx, { limit: 2 })
  const rest = await artifacts.list(ctx, { limit: 2, ...(first.next === undefined ? {} : { cursor: first.next }) })
  assert.deepEqual(
    [...first.items, ...rest.items].map(({ digest }) => digest),
    made.toReversed(),
  )
  assert.equal(rest.next, undefined)
})

test('bytes travel over HTTP and are refused when they are not what they are announced as', async (t) => {
  const { url, client } = await testServer(t)
  const put = (query: string, body: string) => fetch(`${url}/api/v1/blobs${query}`, { method: 'PUT', body })
  const { digest, size } = (await (await put('', 'hello')).json()) as { digest: string; size: number }
  assert.deepEqual({ digest, size }, { digest: digestOf('hello'), size: 5 })
  assert.equal(await (await fetch(`${url}/api/v1/blobs/${digest}`)).text(), 'hello')
  const refused = await put(`?digest=${encodeURIComponent(digest)}`, 'other')
  assert.equal(refused.status, 422)
  await assert.rejects(
    client.artifacts.get({ digest: digestOf('nothing') }),
    (error: ProblemError) => error.problem.code === 'not_found',
  )
})
