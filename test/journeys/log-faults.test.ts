import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type App, createApp } from '../../src/app.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { routesOf } from '../../src/client/routes.ts'
import { type Api, api } from '../../src/contract.ts'
import { latestEvents } from '../../src/core/background/events.ts'
import { resolveConfig } from '../../src/core/config.ts'
import type { Context } from '../../src/core/context.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { testServer } from '../support/context.ts'
import { onPostgres } from '../support/database.ts'
import { temporaryFolder } from '../support/folder.ts'
import { begin, everything, inputs } from '../support/logged.ts'
import { proxyTo } from '../support/proxy.ts'
import { testBucket } from '../support/s3.ts'
import { ownDatabase } from '../support/snapshot.ts'
import { model } from '../support/trips.ts'
import { until } from '../support/until.ts'

test('while the log cannot be written predictions go on, the loss is counted, and somebody hears of it afterwards', async (t) => {
  const { app, client, ask, url } = await begin(t)
  await ask('before')
  await serving.flushLog(app.ctx)
  const blobs = join(app.ctx.folder, 'blobs')
  await rename(blobs, `${blobs}.away`)
  writeFileSync(blobs, 'no folder')
  await askMany(app.ctx, 51_000)
  await assert.rejects(serving.flushLog(app.ctx))
  const { dropped, waiting } = serving.logState(app.ctx)
  assert.ok(dropped >= 1_000 && waiting <= 50_000, `${dropped} dropped, ${waiting} waiting`)
  assert.match(await (await fetch(`${url}/metrics`)).text(), new RegExp(`keel_prediction_log_dropped ${dropped}`))
  rmSync(blobs)
  await rename(`${blobs}.away`, blobs)
  await serving.flushLog(app.ctx)
  const alert = await alertOf(app, client, dropped)
  assert.match(String(alert.summary), /answered but could not be written/)
})

test('kill -9 loses at most what came within the last second, and the next start says how much', async (t) => {
  const root = temporaryFolder(t)
  const { database, drop } = await ownDatabase(root)
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../support/log-child.ts', import.meta.url)), root, database],
    { stdio: 'inherit' },
  )
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL')
  const { config } = resolveConfig({ environment: {} })
  const app = await createApp({ config: { ...config, port: '0', log: 'silent', database }, root })
  t.after(async () => {
    await app.close()
    await drop()
  })
  const rows = await serving.readLog(app.ctx, everything)
  assert.equal(rows.filter(({ id }) => id.startsWith('written-')).length, 50)
  assert.ok(rows.length <= 70)
  const [gap] = await latestEvents(app.ctx, { type: 'serving.log_gap', limit: 1 })
  assert.equal(gap?.data['seconds'], 1)
  assert.ok(Number(gap?.data['predictionsAtMost']) >= 1)
  assert.equal(existsSync(join(app.ctx.folder, 'prediction-log.open')), false)
})

test('a server that ends in good order leaves no gap to tell of', async (t) => {
  const { app, ask } = await begin(t)
  await ask('one')
  const note = join(app.ctx.folder, 'prediction-log.open')
  await serving.flushLog(app.ctx)
  assert.ok(existsSync(note))
  await app.close()
  assert.equal(existsSync(note), false)
})

const canMount =
  process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

test('on a full disk predictions go on, and once there is room again what waited is written', {
  skip: !canMount && 'mounting a small disk needs root and tmpfs',
}, async (t) => {
  const disk = mkdtempSync(join(tmpdir(), 'keel-test-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk])
  const { app, client, url } = await begin(t, {}, { root: disk })
  t.after(() => {
    execFileSync('umount', ['-l', disk])
    rmSync(disk, { recursive: true })
  })
  const filler = join(disk, 'filler')
  const file = openSync(filler, 'w')
  assert.throws(() => {
    for (;;) writeSync(file, Buffer.alloc(64 * 1024, 1))
  }, /ENOSPC/)
  closeSync(file)
  for (let index = 0; index < 100; index++)
    assert.equal((await client.serving.predict({ endpoint: model, id: `p${index}`, inputs })).version, 1)
  await assert.rejects(serving.flushLog(app.ctx))
  assert.match(await (await fetch(`${url}/v2/health/live`)).text(), /^$/)
  rmSync(filler)
  await serving.flushLog(app.ctx)
  assert.equal((await serving.readLog(app.ctx, everything)).length, 100)
  assert.equal(serving.droppedRecords(app.ctx), 0)
})

test('a database that stops answering holds up no prediction', {
  skip: !onPostgres() && 'an embedded database cannot stop answering by itself',
}, async (t) => {
  const { database, drop } = await ownDatabase(undefined)
  const between = await proxyTo(new URL(database))
  const { client, app, url } = await begin(t, {}, { settings: { database: between.url } })
  const { token } = await client.access.createToken({ name: 'shop', role: 'viewer' })
  const shop = createClient<Api>(routesOf(api), { url, token })
  await shop.serving.predict({ endpoint: model, inputs })
  t.after(async () => {
    between.resume()
    await app.close()
    between.close()
    await drop()
  })
  between.pause()
  const stuck = client.registry.getModel({ model })
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      (index % 2 === 0 ? client : shop).serving.predict({ endpoint: model, id: `p${index}`, inputs }),
    ),
  )
  assert.equal(answers.length, 200)
  assert.equal(await Promise.race([stuck.then(() => 'answered'), Promise.resolve('waits')]), 'waits')
  between.resume()
  assert.equal((await stuck).name, model)
})

test('a store that is gone holds up no prediction; the loss is alarmed while it is gone, and what waited is written when it is back', async (t) => {
  const bucket = await testBucket(t)
  if (bucket === undefined) return t.skip('TEST_S3 is not set')
  const place = new URL(bucket)
  const between = await proxyTo(new URL(place.searchParams.get('endpoint') ?? ''))
  place.searchParams.set('endpoint', between.url)
  const { app, client, ask } = await begin(t, {}, { settings: { blobs: place.toString() } })
  await ask('before')
  await serving.flushLog(app.ctx)
  assert.equal((await client.review.status({})).log.summary, null)
  between.close()
  await askMany(app.ctx, 51_000)
  await assert.rejects(serving.flushLog(app.ctx))
  const { log } = await client.review.status({})
  assert.match(String(log.summary), /answers were not written down and are lost/)
  await alertOf(app, client, log.dropped)
  await between.openAgain()
  await serving.flushLog(app.ctx)
  assert.equal((await serving.readLog(app.ctx, everything)).length, 51_001 - log.dropped)
  between.close()
})

test('a server that ends while its log cannot be written says at the next start how much is missing', async (t) => {
  const root = temporaryFolder(t)
  const { database, drop } = await ownDatabase(root)
  const first = await begin(t, {}, { root, settings: { database } })
  await first.ask('before')
  await serving.flushLog(first.app.ctx)
  const blobs = join(first.app.ctx.folder, 'blobs')
  await rename(blobs, `${blobs}.away`)
  writeFileSync(blobs, 'no folder')
  await askMany(first.app.ctx, 60)
  await first.app.close()
  rmSync(blobs)
  await rename(`${blobs}.away`, blobs)
  const { app, client } = await testServer(t, { root, settings: { database } })
  const { log } = await client.review.status({})
  assert.ok(log.gap && log.gap.predictionsAtMost >= 60, `${log.gap?.predictionsAtMost}`)
  assert.match(String(log.summary), /ended without writing its last answers/)
  assert.equal((await serving.readLog(app.ctx, everything)).length, 1)
  await app.close()
  await drop()
})

async function askMany(ctx: Context, count: number): Promise<void> {
  for (let index = 0; index < count; index += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, count - index) }, (_, step) =>
        serving.predict(ctx, { endpoint: model, id: `p${index + step}`, inputs }),
      ),
    )
}

/** The alert as soon as it counts all that is lost. */
async function alertOf({ ctx, worker }: App, client: Client<Api>, lost: number) {
  const find = async () => {
    await worker.drain()
    const { items } = await client.monitoring.listAlerts({ model })
    return items.find(({ subject, value }) => subject === 'prediction log' && value.value === lost)
  }
  await until(find, `an alert that counts ${lost} of ${serving.droppedRecords(ctx)} lost predictions`, {
    within: 60_000,
  })
  const found = await find()
  assert.ok(found)
  return found
}
