import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../support/folder.ts'
import { keelRunning } from '../support/keel.ts'
import { memoryOf, throughAndBack } from '../support/large-file.ts'

test('a file of 400 MiB goes through the server and back in constant memory', async (t) => {
  const root = temporaryFolder(t)
  writeFileSync(join(root, 'keel.yaml'), 'project: large\n')
  const { child, printed } = await keelRunning(t, ['up', '--port', '0'], { cwd: root, until: /http:\/\/\S+:\d+/ })
  const url = /http:\/\/[^\s:]+:\d+/.exec(printed())?.[0] ?? ''
  const place = `${url}/api/2.0/mlflow-artifacts/artifacts/0/run/artifacts`
  await throughAndBack(`${place}/warm.bin`, 16)
  const before = memoryOf(child.pid ?? 0)
  const { sent, received } = await throughAndBack(`${place}/large.bin`, 400)
  assert.equal(received, sent)
  const after = memoryOf(child.pid ?? 0)
  if (!before || !after) return t.diagnostic('Memory is measured on Linux only.')
  t.diagnostic(`resident memory ${before.now.toFixed(0)} MiB before, ${after.peak.toFixed(0)} MiB at most`)
  assert.ok(after.peak - before.now < 150, `it grew by ${(after.peak - before.now).toFixed(0)} MiB`)
})
