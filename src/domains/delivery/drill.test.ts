import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model, spec } from '../../../test/support/trips.ts'
import { day } from '../../core/duration.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import { begin } from './delivery.fixture.ts'
import * as delivery from './delivery.ts'

test('a drill that nobody thought of happens by itself, and again when it is due', async (t) => {
  const { app, client, version } = await begin(t)
  const rollback = { ...spec.delivery.rollback, drill_every: '10d' }
  await registry.applySpec(app.ctx, { ...spec, delivery: { ...spec.delivery, rollback } })
  await client.evaluation.runGate({ model, version })
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.promote({ release: id })
  const drills = async () => (await client.delivery.metrics({ model })).rollbackSeconds.drills.length
  const wait = (days: number) =>
    client.system.advanceClock({ to: new Date(app.ctx.now().getTime() + days * day).toISOString() })
  await wait(9)
  assert.equal(await drills(), 0)
  await wait(2)
  assert.equal(await drills(), 1)
  await client.delivery.drill({ model })
  await wait(9)
  assert.equal(await drills(), 2, 'the one by hand counts')
  await wait(2)
  assert.equal(await drills(), 3)
  assert.equal((await client.serving.getEndpoint({ endpoint: model })).routing.live.release, id)
})

test('what a drill that died left behind is put right from the log', async (t) => {
  const { app, client, version } = await begin(t)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.promote({ release: id })
  const { revision: _, ...routing } = (await client.serving.getEndpoint({ endpoint: model })).routing
  const away = { ...routing, live: { release: `${model}.r0`, version: 0 }, warm: [routing.live] }
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, away))
  await delivery.reconcileAll(app.ctx)
  assert.equal((await client.serving.getEndpoint({ endpoint: model })).routing.live.release, id)
  assert.deepEqual(await delivery.reconcile(app.ctx, { model }), { mended: false })
})

test('a drill while a release rolls out is refused: it would disturb the evidence', async (t) => {
  const { client, version } = await begin(t)
  await client.delivery.release({ model, version, reason: 'first' })
  await assert.rejects(client.delivery.drill({ model }), /would disturb its evidence/)
})
