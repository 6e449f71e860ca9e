import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model, register, spec, trips } from '../../../test/support/trips.ts'
import type { Context } from '../../core/context.ts'
import { hour } from '../../core/duration.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as registry from '../registry/registry.ts'
import { begin } from './delivery.fixture.ts'
import * as delivery from './delivery.ts'

const as = (ctx: Context, name: string): Context => ({ ...ctx, actor: { name, role: 'member', kind: 'token' } })
const report = async (ctx: Context, version: number) => (await evaluation.latestGate(ctx, { model, version }))?.digest

/** A second version that answers exactly as the live one: the gate cannot tell. */
async function undecided(t: Parameters<typeof begin>[0]) {
  const begun = await begin(t)
  const { app, client, version } = begun
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.promote({ release: id })
  const second = await register(app.ctx, 'good')
  const gate = await client.evaluation.runGate({ model, version: second })
  assert.equal(gate.verdict, 'cannot_tell')
  return { ...begun, second }
}

test('what the gate cannot tell a second person may sign; the release then takes twice as long', async (t) => {
  const { app, second } = await undecided(t)
  const ana = as(app.ctx, 'ana')
  const wish = { model, version: second, reason: 'simpler' }
  await assert.rejects(delivery.release(ana, wish), /cannot tell/)
  await delivery.approve(ana, { model, version: second, reason: 'fine by me' })
  await assert.rejects(
    delivery.release(ana, wish),
    /yours, as ana, does not count, since you are the one who releases it/,
  )
  await delivery.approve(as(app.ctx, 'bo'), { model, version: second, reason: 'fine by me too' })
  const { plan } = await delivery.release(ana, wish)
  assert.equal(plan['bakeMs'], 2 * hour)
})

test('one person is one person by every token, and neither a service nor a job of CI signs', async (t) => {
  const { app, second } = await undecided(t)
  const ana = as(app.ctx, 'ana')
  const wish = { model, version: second, reason: 'simpler' }
  await delivery.approve(as(app.ctx, 'ana/laptop'), { model, version: second, reason: 'fine by me' })
  await assert.rejects(delivery.release(ana, wish), /cannot tell/)
  for (const kind of ['service', 'ci'] as const) {
    const machine: Context = { ...app.ctx, actor: { name: 'deployer', role: 'admin', kind } }
    await assert.rejects(delivery.approve(machine, { model, version: second, reason: 'green' }), /is not a person/)
  }
})

test('approving twice is approving once, and other evidence voids it', async (t) => {
  const { app, client, second, count } = await undecided(t)
  const bo = as(app.ctx, 'bo')
  const first = await delivery.approve(bo, { model, version: second, reason: 'fine by me' })
  assert.deepEqual(await delivery.approve(bo, { model, version: second, reason: 'fine by me' }), first)
  assert.equal(await count('delivery.approved'), 1)
  const digest = await report(app.ctx, second)
  await client.evaluation.runGate({ model, version: second })
  assert.equal(await report(app.ctx, second), digest, 'the same evidence again')
  assert.equal((await delivery.listApprovals(bo, { model })).items[0]?.valid, true)

  const definition = { golden: 'trips-golden', file: 'golden/trips.csv', id: 'id', time: 'at', label: 'late' }
  await client.evaluation.pushGolden({ golden: 'trips-golden', definition, items: trips(220) })
  await client.evaluation.runGate({ model, version: second })
  assert.equal((await delivery.listApprovals(bo, { model })).items[0]?.valid, false)
  const old = { model, version: second, reason: 'fine by me', report: digest ?? '' }
  await assert.rejects(delivery.approve(bo, old), /is now sha256:/)
})

test('another artifact under the same evidence voids an approval', async (t) => {
  const { app, second } = await undecided(t)
  const bo = as(app.ctx, 'bo')
  await delivery.approve(bo, { model, version: second, reason: 'fine by me' })
  await app.ctx.db
    .withTables<{ release_approvals: { artifact: string } }>()
    .updateTable('release_approvals')
    .set({ artifact: `sha256:${'0'.repeat(64)}` })
    .execute()
  assert.equal((await delivery.listApprovals(bo, { model })).items[0]?.valid, false)
  await assert.rejects(
    delivery.release(as(app.ctx, 'ana'), { model, version: second, reason: 'simpler' }),
    /cannot tell/,
  )
})

test('what cannot be told is never met: it blocks as its requirement says, and a signature makes it no pass', async (t) => {
  const { app, second } = await undecided(t)
  const about = async (name: string) => {
    const { requirements, ready } = await delivery.planRelease(as(app.ctx, 'ana'), { model, version: second })
    const found = requirements.find(({ requirement }) => requirement === name)
    return [found?.verdict, found?.blocks, found?.met, ready]
  }
  assert.deepEqual(await about('gate'), ['cannot_tell', true, false, false])
  assert.deepEqual(await about('train/serve skew'), ['cannot_tell', false, false, false])
  await delivery.approve(as(app.ctx, 'bo'), { model, version: second, reason: 'looked at it' })
  assert.deepEqual(await about('gate'), ['cannot_tell', false, false, true])
})

test('a dry run says what is there and what is missing, and changes nothing', async (t) => {
  const { app, client, version } = await begin(t)
  const good = await client.delivery.planRelease({ model, version })
  assert.equal(good.ready, true)
  assert.deepEqual(
    good.requirements.map(({ requirement }) => requirement),
    [
      'spec',
      'owner',
      'backup',
      'rollback plan',
      'gate',
      'train/serve skew',
      'leakage',
      'lineage',
      'unpinned',
      'no other rollout',
      'policy',
    ],
  )
  assert.deepEqual((await client.delivery.listReleases({ model })).items, [])
  const released = await client.delivery.release({ model, version, reason: 'first' })
  assert.equal(released.planDigest, good.planDigest)

  await registry.applySpec(app.ctx, { ...spec, backup: spec.owner })
  const second = await register(app.ctx, 'good')
  const bad = await client.delivery.planRelease({ model, version: second })
  assert.deepEqual(
    bad.requirements.filter(({ blocks }) => blocks).map(({ requirement }) => requirement),
    ['backup', 'gate', 'no other rollout'],
  )
})

test('a gate of an earlier spec, or against another live release, is not fresh', async (t) => {
  const { app, client, version } = await begin(t)
  const missing = async () =>
    (await client.delivery.planRelease({ model, version })).requirements.find(
      ({ requirement }) => requirement === 'gate',
    )?.detail
  await registry.applySpec(app.ctx, { ...spec, purpose: 'Say whether a trip ends late, politely.' })
  assert.match((await missing()) ?? '', /a gate of the present spec/)
  await client.evaluation.runGate({ model, version })
  const other = await register(app.ctx, 'good')
  await client.evaluation.runGate({ model, version: other })
  const { id } = await client.delivery.release({ model, version: other, reason: 'the other' })
  await client.delivery.promote({ release: id })
  assert.match((await missing()) ?? '', /a gate against version 2, which is live now/)
})
