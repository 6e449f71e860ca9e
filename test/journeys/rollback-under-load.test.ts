import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const bench = fileURLToPath(new URL('../../bench/rollback.ts', import.meta.url))

test('no request fails while a canary is aborted and a release is rolled back under load', {
  timeout: 120_000,
}, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '100'])
  const { failed, requests, abort, rollback } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  assert.deepEqual({ failed, requests }, { failed: 0, requests: 1_200 })
  for (const { answers } of [abort, rollback]) assert.ok(answers > 0, 'the bad release answered before')
})
