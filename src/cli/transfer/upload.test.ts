import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { keel } from '../../../test/support/keel.ts'

test('a file of several parts is sent, and one that stopped goes on with what has not arrived', async (t) => {
  const { url, client } = await testServer(t)
  const cwd = temporaryFolder(t)
  const bytes = randomBytes(65 * 1024 * 1024)
  writeFileSync(join(cwd, 'weights.bin'), bytes)
  const { upload, partBytes } = await client.artifacts.startUpload({})
  await client.artifacts.putPart({ upload, number: 1 }, new Blob([bytes.subarray(0, partBytes)]))
  const put = (...more: string[]) =>
    keel(['artifacts', 'put', 'weights.bin', '--server', url, '--json', ...more], { cwd, environment: {} })
  const { stdout, stderr, code } = await put('--resume', upload)
  assert.equal(code, 0, stderr)
  const [file] = (JSON.parse(stdout) as { files: { path: string; digest: string; size: number }[] }).files
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  assert.deepEqual(file, { path: 'weights.bin', digest, size: bytes.length })
  assert.deepEqual(JSON.parse((await put()).stdout).files, [file])
})
