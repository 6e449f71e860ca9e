import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../support/folder.ts'

const trip = fileURLToPath(new URL('../support/zone-trip.ts', import.meta.url))

/** What every door of time says when the server runs in one zone and the command line in another. */
async function foundIn(t: TestContext, server: string, client: string): Promise<Record<string, unknown>> {
  const out = join(temporaryFolder(t), 'found.json')
  const { NODE_TEST_CONTEXT: _parent, ...environment } = process.env
  const child = spawn(process.execPath, ['--test', '--test-isolation=none', trip], {
    env: { ...environment, TZ: server, KEEL_CLIENT_TZ: client, KEEL_ZONE_OUT: out },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk) => (printed += chunk))
  const [code] = await once(child, 'close')
  assert.equal(code, 0, printed)
  return JSON.parse(readFileSync(out, 'utf8')) as Record<string, unknown>
}

test('a time without a zone is the same instant whatever the zones of server and command line are', async (t) => {
  const utc = await foundIn(t, 'UTC', 'UTC')
  assert.equal(utc['pushed'], '7 rows added to e.')
  assert.deepEqual(utc['bounds'], ['2026-02-28T23:30:00.000Z', '2026-03-01T00:30:00.000Z'])
  assert.match(String(utc['predicted']), /^2 rows, answered by v1/)
  assert.equal(utc['live'], '2026-03-01T01:30:00.000Z')
  assert.equal(utc['silence'], '2027-03-01T01:30:00.000Z')
  assert.match(String(utc['dayFirst']), /^2: .*"03\/04\/2026" is not a time/)
  assert.match(String(utc['silenceDayFirst']), /^2: .*"03\/04\/2027" is not a time/)
  const zoneless = (found: Record<string, unknown>) =>
    JSON.parse(JSON.stringify(found).replaceAll(/keel-[A-Za-z0-9-]+/g, 'folder')) as unknown
  assert.deepEqual(zoneless(await foundIn(t, 'America/New_York', 'Asia/Kolkata')), zoneless(utc))
  assert.deepEqual(zoneless(await foundIn(t, 'Asia/Kolkata', 'America/New_York')), zoneless(utc))
})
