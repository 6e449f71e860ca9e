import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, createApp } from '../../src/app.ts'
import { type Client, createClient, type ProblemError } from '../../src/client/client.ts'
import { routesOf } from '../../src/client/routes.ts'
import { type Api, api } from '../../src/contract.ts'
import { realClock } from '../../src/core/clock.ts'
import { resolveConfig } from '../../src/core/config.ts'
import type { Context } from '../../src/core/context.ts'
import * as datasets from '../../src/domains/datasets/datasets.ts'
import * as evaluation from '../../src/domains/evaluation/evaluation.ts'
import * as features from '../../src/domains/features/features.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import { loadedVersion } from '../../src/domains/serving/routing/routing-table.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { onPostgres } from '../support/database.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ownDatabase } from '../support/snapshot.ts'
import { establish, model, register, spec, trips } from '../support/trips.ts'
import { until } from '../support/until.ts'

const skip = !onPostgres() && 'two servers share a PostgreSQL'

type Server = { app: App; client: Client<Api> }

/** Two servers with folders of their own that share a database and the stored bytes. */
async function twoServers(t: TestContext): Promise<[Server, Server]> {
  const { config } = resolveConfig({ environment: {} })
  const roots = [temporaryFolder(t), temporaryFolder(t)] as const
  const { database, drop } = await ownDatabase(roots[0], gatedTwice, realClock)
  mkdirSync(join(roots[1], '.keel'), { recursive: true })
  symlinkSync(join(roots[0], '.keel', 'blobs'), join(roots[1], '.keel', 'blobs'))

  async function start(root: string): Promise<Server> {
    const app = await createApp({ config: { ...config, port: '0', log: 'silent', database }, root })
    const address = await app.listen({ port: 0 })
    return { app, client: createClient<Api>(routesOf(api), { url: address }) }
  }
  const first = await start(roots[0])
  const second = await start(roots[1])
  t.after(async () => {
    await first.app.close()
    await second.app.close()
    await drop()
  })
  return [first, second]
}

async function gatedTwice(ctx: Context): Promise<void> {
  await establish(ctx)
  const quality = { ...spec.success.quality, against: 'baseline' as const }
  await registry.applySpec(ctx, { ...spec, success: { quality } })
  for (let count = 0; count < 2; count++) {
    const version = await register(ctx, 'good')
    await evaluation.runGate(ctx, { model, version })
  }
}

/** Every request of the moment is answered, by whom; they ask for what the models were trained on. */
async function answeredBy({ client }: Server): Promise<Set<string>> {
  const answers = trips(20).map(({ id, city, good, wrong }) =>
    client.serving.predict({ endpoint: model, inputs: { city, good, wrong }, unit: id }),
  )
  return new Set((await Promise.all(answers)).map(({ release }) => release))
}

/** Asks without a pause until only `release` answers; milliseconds, with no request failed on the way. */
async function untilOnly(server: Server, release: string): Promise<number> {
  const began = performance.now()
  const only = async () => {
    const by = await answeredBy(server)
    return by.size === 1 && by.has(release)
  }
  await until(only, `answers of ${release} alone`, { every: 5 })
  return performance.now() - began
}

test('what one server promotes, aborts and rolls back, the other follows, and no request fails on the way', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const [first, second] = await twoServers(t)
  const { id } = await first.client.delivery.release({ model, version: 1, reason: 'first' })
  await first.client.delivery.promote({ release: id })
  await until(
    async () => (await second.client.serving.listEndpoints({})).items.length > 0,
    'the endpoint on the other server',
  )
  await untilOnly(second, id)

  const canary = await second.client.delivery.release({ model, version: 2, reason: 'second' })
  await second.client.delivery.skip({ release: canary.id, step: -1 })
  await until(async () => (await answeredBy(first)).has(canary.id), 'answers of the canary on the first server')
  await second.client.delivery.abort({ release: canary.id })
  const aborted = await untilOnly(first, id)

  await first.client.delivery.rollback({ model, reason: 'a doubt' })
  const rolledBack = await untilOnly(second, `${model}.r0`)
  const [told, followed] = await Promise.all(
    [first, second].map(({ client }) => client.serving.getEndpoint({ endpoint: model })),
  )
  assert.deepEqual(followed?.routing, told?.routing)
  t.diagnostic(`followed an abort after ${aborted.toFixed(0)} ms, a rollback after ${rolledBack.toFixed(0)} ms`)
})

test('what a new spec says of limits and the log counts on both servers, and no model is loaded for it', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const [first, second] = await twoServers(t)
  const { id } = await first.client.delivery.release({ model, version: 1, reason: 'first' })
  await first.client.delivery.promote({ release: id })
  await untilOnly(first, id)
  await until(
    async () => (await second.client.serving.listEndpoints({})).items.length > 0,
    'the endpoint on the other server',
  )
  await untilOnly(second, id)
  const runtimes = () => [first, second].map(({ app }) => loadedVersion(app.ctx, model, 1)?.runtime)
  const loaded = runtimes()
  await registry.applySpec(first.app.ctx, { ...spec, serves: { ...spec.serves, log: { omit: ['good'] } } })
  const began = performance.now()
  for (const [index, server] of [first, second].entries())
    await until(async () => !(await logsGood(server, `s${index}`)), `server ${index} to follow the new spec`)
  t.diagnostic(`followed a spec after ${(performance.now() - began).toFixed(0)} ms`)
  assert.deepEqual(
    runtimes().map((runtime, index) => runtime !== undefined && runtime === loaded[index]),
    [true, true],
  )
})

let asked = 0

/** Does this server still write down what the new spec leaves out? */
async function logsGood({ app, client }: Server, name: string): Promise<boolean> {
  asked += 1
  const id = `${name}-${asked}`
  await client.serving.predict({ endpoint: model, id, inputs: { city: 'Bonn', good: 0.4, wrong: 0.6 } })
  await serving.flushLog(app.ctx)
  return 'good' in (await client.serving.getPrediction({ prediction: id })).inputs
}

test('both servers told to do the same at the same time do it once', { skip, timeout: 60_000 }, async (t) => {
  const [first, second] = await twoServers(t)
  const { id } = await first.client.delivery.release({ model, version: 1, reason: 'first' })
  await Promise.all([first, second].map(({ client }) => client.delivery.skip({ release: id, step: -1 })))
  const [a, b] = await Promise.all([first, second].map(({ client }) => client.delivery.promote({ release: id })))
  assert.deepEqual(a, b)
  assert.deepEqual(
    a?.history.map(({ state }) => state),
    ['shadow', 'step', 'promoted'],
  )
  await Promise.all([first, second].map(({ client }) => client.delivery.rollback({ model, reason: 'a doubt' })))
  const { spans } = await first.client.delivery.timeline({ model })
  assert.deepEqual(
    spans.map(({ version }) => version),
    [0, 1, 0],
  )
})

test('features that are applied on one server are looked up online on the other, without a restart', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const [first, second] = await twoServers(t)
  const { ctx } = first.app
  await datasets.applySource(ctx, { source: 'visits', owner: 'ana@team.example', time: 'at' })
  await datasets.append(ctx, {
    source: 'visits',
    rows: [{ city: 'Bonn', at: '2026-01-01T00:00:00.000Z', guests: 7 }],
  })
  await features.applyFeatures(ctx, {
    entities: [{ name: 'city', keys: ['city'] }],
    views: [{ name: 'city_visits', entity: 'city', source: 'visits', features: ['guests'] }],
    services: [{ name: 'visits', request: [{ name: 'city', type: 'string' }], features: ['city_visits:guests'] }],
  })
  for (const { client } of [first, second]) {
    const guests = () =>
      client.features.getOnline({ service: 'visits', rows: [{ city: 'Bonn' }] }).then(
        ({ rows }) => rows[0]?.values['guests'],
        ({ problem }: ProblemError) => problem.code,
      )
    const end = performance.now() + 10_000
    while ((await guests()) !== 7 && performance.now() < end) await sleep(20)
    assert.equal(await guests(), 7)
  }
})
