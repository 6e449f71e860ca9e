import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { ownDatabase, temporaryFolder, testServer } from '../../../test/support/context.ts'
import { establish, model, register, spec } from '../../../test/support/trips.ts'
import { createApp } from '../../app.ts'
import { createClient } from '../../client/client.ts'
import { routesOf } from '../../client/routes.ts'
import { type Api, api } from '../../contract.ts'
import { type Config, readEnvironment, resolveConfig } from '../../core/config.ts'
import { latestEvents } from '../../core/events.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { keeps, logRules, mask, redact } from './log-rules.ts'
import * as serving from './serving.ts'

const inputs = { city: 'Bonn', good: 0.7, wrong: 0.3 }
const everything = { endpoint: model, from: '', to: '9999' }

type Where = { root?: string; settings?: Partial<Config> }

/** An endpoint with one release, whose spec says what is written down. */
async function begin(t: TestContext, log: ModelSpec['serves']['log'] = {}, where: Where = {}) {
  const { app, client, url } = await testServer(t, where)
  await establish(app.ctx)
  await registry.applySpec(app.ctx, { ...spec, serves: { ...spec.serves, log } })
  const version = await register(app.ctx, 'good')
  await registry.setBaseline(app.ctx, { model, value: 0.5 })
  const routing = { endpoint: model, live: { release: `${model}.r1`, version }, canary: null, shadow: null, warm: [] }
  await serving.prepareRouting(app.ctx, routing)
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, routing))
  const ask = (id: string, good = 0.7) => client.serving.predict({ endpoint: model, id, inputs: { ...inputs, good } })
  return { app, client, url, ask, routing }
}

const sampled = (share: string, log: Partial<Parameters<typeof keeps>[1]> = {}) => {
  const rules = logRules({ sample: share, uncertain: 0.1 }, 'binary')
  return (id: string) => keeps(rules, { id, output: 0.9, bad: null, fallback: false, rollout: false, ...log })
}

test('the sample is the share that the spec names, chosen by the id alone', () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `p${index}`)
  const kept = ids.filter((id) => sampled('10%')(id) === 'sampled')
  assert.ok(Math.abs(kept.length / ids.length - 0.1) < 0.01, `${kept.length}`)
  assert.deepEqual(
    kept,
    ids.filter((id) => sampled('10%')(id) === 'sampled'),
  )
  assert.ok(
    kept.every((id) => sampled('30%')(id) === 'sampled'),
    'a larger share holds the smaller one',
  )
})

test('errors, slow and invalid answers, stand-ins, rollouts and uncertain answers are always kept, and flagged', () => {
  const cases = [
    { bad: 'error' },
    { bad: 'slow' },
    { bad: 'invalid' },
    { fallback: true },
    { rollout: true },
    { output: 0.45 },
  ]
  for (const one of cases) assert.equal(sampled('0%', one as Partial<Parameters<typeof keeps>[1]>)('p'), 'forced')
  assert.equal(sampled('0%')('p'), 'no')
  assert.equal(sampled('100%', { bad: 'error' })('p'), 'sampled')
})

test('estimates from the sample are unbiased although every bad answer is kept', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.02, max: 0.4, noNaN: true }), (seed, rate) => {
      const all = Array.from({ length: 8_000 }, (_, index) => ({
        id: `${seed}-${index}`,
        bad: index < rate * 8_000 ? ('slow' as const) : null,
      }))
      const kept = all.map((one) => ({ ...one, kept: sampled('25%', { bad: one.bad })(one.id) }))
      const read = kept.filter((one) => one.kept === 'sampled')
      const estimate = read.filter(({ bad }) => bad).length / read.length
      const naive = kept.filter((one) => one.kept !== 'no')
      const error = 5 * Math.sqrt((rate * (1 - rate)) / read.length)
      assert.ok(Math.abs(estimate - rate) < error, `${estimate} for ${rate}`)
      assert.ok(naive.filter(({ bad }) => bad).length / naive.length > rate + 0.01)
    }),
    { numRuns: 20 },
  )
})

test('statistics read the sample, and people see what was kept besides', async (t) => {
  const { app, client, ask } = await begin(t, { sample: '0%', uncertain: 0.1 })
  await ask('sure', 0.95)
  await ask('unsure', 0.52)
  await serving.flushLog(app.ctx)
  assert.deepEqual(await serving.readLog(app.ctx, everything), [])
  const { items } = await client.serving.listPredictions({ endpoint: model })
  assert.deepEqual(
    items.map(({ id, forced }) => [id, forced]),
    [['unsure', true]],
  )
})

test('what the spec omits is written nowhere, and addresses, cards, accounts and telephones only as words', async (t) => {
  const { app, client, ask } = await begin(t, { omit: ['wrong'] })
  await ask('one')
  const before = await client.serving.getPrediction({ prediction: 'one' })
  assert.deepEqual(Object.keys(before.inputs).sort(), ['city', 'city_late_1h', 'good'])
  assert.ok(serving.logState(app.ctx).redactions >= 1)
  const cases = {
    'write to ana.lee+x@mail.example.org today': 'write to [email] today',
    'card 4111 1111 1111 1111 ok': 'card [card] ok',
    'card 4111 1111 1111 1112 no card': 'card 4111 1111 1111 1112 no card',
    'to DE89 3704 0044 0532 0130 00 please': 'to [iban] please',
    'call +49 30 1234567 now': 'call [phone] now',
    'order 1234567890, at 2026-01-01T10:00, v1.2.3': 'order 1234567890, at 2026-01-01T10:00, v1.2.3',
  }
  for (const [text, masked] of Object.entries(cases)) assert.equal(mask(text), masked)
})

test('texts of a language model are kept as their length, unless the spec wants them; a unit that names a person is a pseudonym', () => {
  const logged = {
    id: 'p',
    unit: 'ana@mail.example',
    inputs: { question: 'Who am I?' },
    output: 'Ana, ana@mail.example',
  }
  const clean = (content: boolean) => redact(logRules({ content }, 'text'), logged as never, { count: 0 })
  assert.deepEqual([clean(false).inputs, clean(false).output], [{ question: '[9 characters]' }, '[21 characters]'])
  assert.deepEqual([clean(true).inputs, clean(true).output], [{ question: 'Who am I?' }, 'Ana, [email]'])
  assert.match(clean(true).unit, /^unit-[0-9a-f]{16}$/)
  assert.equal(clean(true).unit, clean(false).unit)
})

test('each value is logged with the moment since when it could be known, and the trace of the caller', async (t) => {
  const { app, client, url } = await begin(t)
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  app.ctx.clock.set(new Date('2026-01-01T00:30:00Z'))
  await fetch(`${url}/api/v1/predict/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    body: JSON.stringify({ id: 'one', inputs }),
  })
  const before = await client.serving.getPrediction({ prediction: 'one' })
  await serving.flushLog(app.ctx)
  assert.deepEqual(await client.serving.getPrediction({ prediction: 'one' }), before)
  assert.equal(before.traceId, traceId)
  for (const [name, knownAt] of Object.entries(before.knownAt)) {
    assert.equal(name, 'city_late_1h')
    assert.ok(knownAt <= before.at)
  }
})

test('while the log cannot be written predictions go on, the loss is counted, and somebody hears of it afterwards', async (t) => {
  const { app, client, ask, url } = await begin(t)
  await ask('before')
  await serving.flushLog(app.ctx)
  const blobs = join(app.ctx.folder, 'blobs')
  await rename(blobs, `${blobs}.away`)
  writeFileSync(blobs, 'no folder')
  for (let index = 0; index < 51_000; index += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, step) =>
        serving.predict(app.ctx, { endpoint: model, id: `p${index + step}`, inputs }),
      ),
    )
  await assert.rejects(serving.flushLog(app.ctx))
  const { dropped, waiting } = serving.logState(app.ctx)
  assert.ok(dropped >= 1_000 && waiting <= 50_000, `${dropped} dropped, ${waiting} waiting`)
  assert.match(await (await fetch(`${url}/metrics`)).text(), new RegExp(`keel_prediction_log_dropped ${dropped}`))
  rmSync(blobs)
  await rename(`${blobs}.away`, blobs)
  await serving.flushLog(app.ctx)
  await app.worker.drain()
  const { items } = await client.monitoring.listAlerts({ model })
  const alert = items.find(({ subject }) => subject === 'prediction log')
  assert.equal(alert?.value.value, dropped)
  assert.match(String(alert?.summary), /answered but could not be written/)
})

test('kill -9 loses at most what came within the last second, and the next start says how much', async (t) => {
  const { database, drop } = await ownDatabase()
  const root = temporaryFolder(t)
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../../test/support/log-child.ts', import.meta.url)), root, database],
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

test('a label may come before its prediction, for one that nobody knows, and twice: the last one counts', async (t) => {
  const { app, client, ask } = await begin(t)
  app.ctx.clock.set(new Date('2026-01-01T10:00:00Z'))
  await client.serving.label({
    endpoint: model,
    labels: [
      { id: 'early', value: 1 },
      { id: 'nobody', value: 1 },
    ],
  })
  app.ctx.clock.set(new Date('2026-01-01T12:00:00Z'))
  await ask('early')
  const labelled = async () =>
    (await serving.readLog(app.ctx, { ...everything, from: '2026-01-01T11:00:00.000Z' })).map(({ id, label }) => [
      id,
      label,
    ])
  assert.deepEqual(await labelled(), [['early', 1]])
  const again = await client.serving.label({
    endpoint: model,
    labels: [
      { id: 'early', value: 1 },
      { id: 'early', value: 0 },
    ],
  })
  assert.deepEqual(again, { accepted: 2, replaced: 1 })
  assert.deepEqual(await labelled(), [['early', 0]])
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

const { TEST_PG, KEEL_TEST_ENGINE } = readEnvironment()

test('a database that stops answering holds up no prediction', {
  skip: (KEEL_TEST_ENGINE !== 'postgres' || !TEST_PG) && 'an embedded database cannot stop answering by itself',
}, async (t) => {
  const { database, drop } = await ownDatabase()
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

/** Stands between the server and its database, and can stop passing anything on. */
async function proxyTo(database: URL) {
  const sockets: Socket[] = []
  const server = createServer((inner) => {
    const outer = connect(Number(database.port), database.hostname)
    for (const socket of [inner, outer]) {
      sockets.push(socket)
      socket.on('error', () => undefined)
    }
    inner.pipe(outer)
    outer.pipe(inner)
    inner.on('close', () => outer.destroy())
    outer.on('close', () => inner.destroy())
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const url = new URL(database)
  url.port = String(typeof address === 'object' && address ? address.port : 0)
  return {
    url: url.toString(),
    pause: () => sockets.forEach((socket) => void socket.pause()),
    resume: () => sockets.forEach((socket) => void socket.resume()),
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
