import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readOwner } from '../../src/core/lock.ts'
import { temporaryFolder } from '../support/folder.ts'
import { keel, keelRunning } from '../support/keel.ts'
import { until } from '../support/until.ts'

test('kill -9 in the middle of the demo loses nothing: the next server knows what was released, and it stays a replay', {
  timeout: 200_000,
}, async (t) => {
  const cwd = temporaryFolder(t)
  const demo = await keelRunning(t, ['demo', '--port', '0'], { cwd, until: /release flight-delay@1/ })
  const folder = join(cwd, 'keel-demo', '.keel')
  const owner = readOwner(folder)
  assert.ok(owner)
  const releases = async () =>
    ((await (await fetch(`${owner.url}/api/v1/models/flight-delay/releases`)).json()) as { items?: { id: string }[] })
      .items ?? []
  await until(async () => (await releases()).length === 2, 'the first release', { within: 60_000 })
  const clock = async () =>
    Date.parse(((await (await fetch(`${owner.url}/api/v1/info`)).json()) as { now: string }).now)
  await until(async () => (await clock()) > Date.parse('2001-04-03'), 'the third of April', { within: 60_000 })
  const reached = await clock()
  process.kill(owner.pid, 'SIGKILL')
  assert.notEqual(await demo.ended, 0)

  const server = await keelRunning(t, ['up', '--port', '0'], { cwd, until: /is up at/ })
  const status = await keel(['status', '--json'], { cwd })
  assert.equal(status.code, 0, status.stderr)
  const { now, models } = JSON.parse(status.stdout)
  assert.ok(Date.parse(now) >= reached && now.startsWith('2001-'), now)
  assert.equal(models[0].model, 'flight-delay')
  const found = await keel(['releases', 'flight-delay', '--json'], { cwd })
  assert.deepEqual(
    JSON.parse(found.stdout).map(({ id }: { id: string }) => id),
    ['flight-delay.r1', 'flight-delay.r0'],
  )
  server.child.kill('SIGTERM')
  await server.ended
})

test('Ctrl-C in the middle of the demo stops its server and keeps what there is', { timeout: 100_000 }, async (t) => {
  const cwd = temporaryFolder(t)
  const demo = await keelRunning(t, ['demo', '--port', '0'], { cwd, until: /keel run train-v1/ })
  const owner = readOwner(join(cwd, 'keel-demo', '.keel'))
  demo.child.kill('SIGINT')
  assert.equal(await demo.ended, 130)
  await assert.rejects(fetch(`${owner?.url}/api/v1/info`))
  assert.ok(existsSync(join(cwd, 'keel-demo', 'keel.yaml')))
  assert.equal((await keel(['demo', '--remove'], { cwd })).code, 0)
})
