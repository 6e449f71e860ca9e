import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { registered, model as released, spec as releasedSpec } from '../../../test/support/trips.ts'
import type { Client, ProblemError } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import * as registry from '../registry/registry.ts'
import { completeSpec } from '../registry/spec/spec.ts'
import * as delivery from './delivery.ts'

const model = 'churn'
const spec = completeSpec({
  model,
  owner: 'ann@team.example',
  backup: 'bob@team.example',
  purpose: 'Who is likely to leave, for the people who call.',
  serves: { output: 'binary' },
  monitoring: { every: '30d' },
})

/** A hundred predictions of a day, named as the service names its releases. */
async function record(client: Client<Api>, release: string | undefined, dayOfMonth: number, endpoint = model) {
  const predictions = Array.from({ length: 100 }, (_, index) => ({
    id: `${release}-${dayOfMonth}-${index}`,
    at: new Date(Date.UTC(2025, 11, dayOfMonth, 8, index)).toISOString(),
    output: 0.25,
    ...(release === undefined ? {} : { release }),
  }))
  return client.serving.recordPredictions({ endpoint, predictions })
}

async function watched(...args: Parameters<typeof testServer>) {
  const { app, client } = await testServer(...args)
  await registry.applySpec(app.ctx, spec)
  return { app, client }
}

test('a new name in recorded predictions is a deployment, an older one that comes back a rollback, each once', async (t) => {
  const { app, client } = await watched(t)
  await record(client, '2026.10', 1)
  await record(client, '2026.11', 5)
  await record(client, '2026.10', 7)
  await app.worker.drain()
  await record(client, '2026.10', 7)
  await app.worker.drain()
  const { items } = await client.delivery.listReleases({ model })
  assert.deepEqual(
    items.map(({ id, seenAs, kind, state, version }) => [id, seenAs, kind, state, version]),
    [
      ['churn.r2', '2026.11', 'external', 'rolled_back', 0],
      ['churn.r1', '2026.10', 'external', 'live', 0],
    ],
  )
  const live = async (dayOfMonth: number) =>
    (await client.delivery.liveAt({ model, at: `2025-12-0${dayOfMonth}T12:00:00Z` })).live?.seenAs
  assert.deepEqual([await live(2), await live(6), await live(8)], ['2026.10', '2026.11', '2026.10'])
  const { deployments, changeFailRate, byKind, escapeRate } = await client.delivery.metrics({ model })
  assert.deepEqual([deployments, changeFailRate.failed, escapeRate.escaped], [2, 1, 1])
  assert.deepEqual(byKind, [{ kind: 'external', deployments: 2, failed: 1, caught: 0 }])
  const { items: events } = await client.system.events({ subject: `model/${model}` })
  const count = (type: string) => events.filter((event) => event.type === type).length
  assert.deepEqual([count('delivery.release_seen'), count('delivery.rollback_seen')], [2, 1])
})

test('the same batch counted twice, as by two servers at once, is one release', async (t) => {
  const { app, client } = await watched(t)
  const day = (name: string, of: number) => ({
    name,
    version: 0,
    count: 10,
    from: `2025-12-0${of}T00:00:00.000Z`,
    to: `2025-12-0${of}T10:00:00.000Z`,
  })
  const both = { model, seen: [day('a', 1), day('b', 2)] }
  await Promise.all([delivery.countSeen(app.ctx, both), delivery.countSeen(app.ctx, both)])
  const { items } = await client.delivery.listReleases({ model })
  assert.deepEqual(
    items.map(({ seenAs, state }) => [seenAs, state]),
    [
      ['b', 'live'],
      ['a', 'retired'],
    ],
  )
})

test('predictions without a name are no release, and what only answers elsewhere is not rolled back from here', async (t) => {
  const { app, client } = await watched(t)
  await record(client, undefined, 1)
  await app.worker.drain()
  assert.deepEqual((await client.delivery.listReleases({ model })).items, [])
  await record(client, 'a', 2)
  await app.worker.drain()
  await assert.rejects(client.delivery.rollback({ model, reason: 'a doubt' }), (error: ProblemError) => {
    assert.deepEqual([error.problem.status, error.problem.code], [409, 'conflict'])
    assert.match(`${error.message} ${error.problem.hint}`, /answers elsewhere.*delivery\.external/)
    return true
  })
})

test('a registered version that predictions name is what the alias "live" points to', async (t) => {
  const { app, client } = await testServer(t, { from: registered })
  await registry.applySpec(app.ctx, releasedSpec)
  const predictions = [{ id: 'one', at: '2025-12-01T00:00:00Z', output: 0.25, version: 1 }]
  await client.serving.recordPredictions({ endpoint: released, predictions })
  await app.worker.drain()
  const { live } = await client.delivery.liveAt({ model: released })
  assert.deepEqual([live?.seenAs, live?.version], ['v1', 1])
  const { aliases } = await client.registry.getVersion({ model: released, version: 1 })
  assert.ok(aliases.includes('live'))
})

test('where traffic is sent from here, names in predictions count nothing, and what was seen before is over', async (t) => {
  const { app, client } = await testServer(t, { from: registered })
  const quality = { ...releasedSpec.success.quality, against: 'baseline' as const }
  await registry.applySpec(app.ctx, { ...releasedSpec, success: { quality } })
  await record(client, 'by-hand', 1, released)
  await app.worker.drain()
  await client.evaluation.runGate({ model: released, version: 1 })
  const { id } = await client.delivery.release({ model: released, version: 1, reason: 'from here' })
  await client.delivery.promote({ release: id, reason: 'now' })
  await record(client, 'around-it', 2, released)
  await record(client, id, 3, released)
  await app.worker.drain()
  const { items } = await client.delivery.listReleases({ model: released })
  assert.deepEqual(
    items.map(({ seenAs, state }) => [seenAs, state]),
    [
      [null, 'live'],
      ['by-hand', 'retired'],
      [null, 'retired'],
    ],
  )
  assert.equal((await client.delivery.rollback({ model: released, reason: 'a doubt' })).release.kind, 'baseline')
})
