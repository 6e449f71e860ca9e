import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testApp, testContext } from '../../../../test/support/context.ts'
import { temporaryFolder } from '../../../../test/support/folder.ts'
import * as artifacts from '../../artifacts/artifacts.ts'
import { openModelFolder } from './files.ts'

test('processes that read the same artifact share one folder, and the last one that ends takes it away', async (t) => {
  const ctx = await testContext(t)
  const blob = await ctx.blobs.put(Buffer.from('weights'))
  const { digest } = await artifacts.create(ctx, { files: [{ path: 'deep/model.bin', ...blob }] })
  const [one, two] = await Promise.all([openModelFolder(ctx, digest), openModelFolder(ctx, digest)])
  assert.equal(one.folder, two.folder)
  await one.release()
  assert.equal(readFileSync(join(two.folder, 'deep/model.bin'), 'utf8'), 'weights')
  await two.release()
  assert.equal(existsSync(two.folder), false)
  await assert.rejects(openModelFolder(ctx, `sha256:${'0'.repeat(64)}`))
  const again = await openModelFolder(ctx, digest)
  assert.ok(existsSync(join(again.folder, 'deep/model.bin')))
})

test('what a server that was killed left of its work is gone at the next start', async (t) => {
  const root = temporaryFolder(t)
  const left = join(root, '.keel', 'tmp', 'half-written')
  mkdirSync(left, { recursive: true })
  writeFileSync(join(left, 'model.bin'), 'wei')
  const { ctx } = await testApp(t, { root })
  assert.equal(join(ctx.folder, 'tmp', 'half-written'), left)
  assert.equal(existsSync(left), false)
})
