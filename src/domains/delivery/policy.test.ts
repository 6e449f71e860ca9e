import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model, spec } from '../../../test/support/trips.ts'
import type { Context } from '../../core/context.ts'
import { day, hour, week } from '../../core/duration.ts'
import { begin } from './delivery.fixture.ts'
import * as delivery from './delivery.ts'
import { climb, effects, ladder, type Position, worst } from './ladder.ts'
import { metrics } from './metrics.ts'
import * as store from './store.ts'

const as = (ctx: Context, name: string): Context => ({ ...ctx, actor: { name, role: 'member', kind: 'token' } })

async function positionOf(t: Parameters<typeof begin>[0]): Promise<Position> {
  const { app } = await begin(t)
  const nothing = await metrics(app.ctx, { model })
  return { spec, metrics: nothing, recentPages: 0, daysSinceRehearsal: null }
}

test('each rung turns yellow and red by its own number, and the worst one counts', async (t) => {
  const green = await positionOf(t)
  const level = (position: Position) => worst(climb(position))
  const failing = (aboveTarget: number): Position => ({
    ...green,
    metrics: { ...green.metrics, changeFailRate: { ...green.metrics.changeFailRate, aboveTarget } },
  })
  assert.equal(level(green), 'green')
  assert.deepEqual(
    [0.5, 0.51, 0.8, 0.81].map((value) => level(failing(value))),
    ['green', 'yellow', 'yellow', 'red'],
  )
  assert.deepEqual(
    [4, 5, 9].map((recentPages) => level({ ...green, recentPages })),
    ['green', 'yellow', 'red'],
  )
  assert.deepEqual(
    [365, 366].map((daysSinceRehearsal) => level({ ...green, daysSinceRehearsal })),
    ['green', 'yellow'],
  )
  const noisy = { ...green.metrics.alerts, real: 1, noise: 3 }
  assert.equal(level({ ...green, metrics: { ...green.metrics, alerts: noisy } }), 'yellow')
  const slow = { ...green.metrics.rollbackSeconds, p90: 61 }
  assert.equal(level({ ...green, metrics: { ...green.metrics, rollbackSeconds: slow } }), 'red')
  assert.equal(climb(green).length, ladder.length)
})

test('the ladder slows first and freezes last', () => {
  assert.deepEqual(
    [effects.green, effects.yellow, effects.red].map(({ slower, approver, goldenDays, frozen }) => [
      slower,
      approver,
      goldenDays !== null,
      frozen,
    ]),
    [
      [1, false, false, false],
      [2, true, true, false],
      [2, true, true, true],
    ],
  )
})

/** A rehearsal that took far too long: red. */
async function makeRed(ctx: Context): Promise<void> {
  await store.insertRollbackTime(ctx, {
    id: 'slow',
    model,
    kind: 'drill',
    from_release: `${model}.r1`,
    to_release: `${model}.r0`,
    seconds: 100,
    restored_seconds: 1,
    passed: 1,
    at: ctx.now().toISOString(),
  })
}

test('red refuses releases, but not a hotfix that names its failure, nor a written override', async (t) => {
  const { app, client, version } = await begin(t)
  await makeRed(app.ctx)
  const wish = { model, version, reason: 'first' }
  await assert.rejects(client.delivery.release(wish), /policy that is not red/)
  const hotfix = { model, version, trigger: 'hotfix' as const, addresses: 'failure_1' }
  assert.equal((await client.delivery.planRelease(hotfix)).ready, true)

  const inAWeek = new Date(app.ctx.now().getTime() + week).toISOString()
  const year = new Date(app.ctx.now().getTime() + 365 * day).toISOString()
  const written = { model, owner: 'ana@team.example', reason: 'the slow drill was the network' }
  await assert.rejects(client.delivery.overridePolicy({ ...written, expiresAt: year }), /within 30 days/)
  await client.delivery.overridePolicy({ ...written, expiresAt: inAWeek })
  const { level, override } = await client.delivery.policy({ model })
  assert.deepEqual([level, override?.active], ['red', true])
  await client.delivery.release(wish)
  assert.equal((await client.delivery.metrics({ model })).overrides, 1)
})

test('an override ends by itself', async (t) => {
  const { app, client, version } = await begin(t)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.promote({ release: id })
  await makeRed(app.ctx)
  const expiresAt = new Date(app.ctx.now().getTime() + day).toISOString()
  await client.delivery.overridePolicy({ model, owner: 'ana@team.example', reason: 'just for today', expiresAt })
  await client.system.advanceClock({ to: expiresAt })
  const { override, rules } = await client.delivery.policy({ model })
  assert.deepEqual([override, rules.frozen], [null, true])
})

test('yellow: the steps are slower and wait for a second person before the first traffic', async (t) => {
  const { app, client, version, pass } = await begin(t)
  const first = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.promote({ release: first.id })
  await makeYellow(app.ctx)
  assert.equal((await client.delivery.policy({ model })).level, 'yellow')

  const { id, plan } = await delivery.release(as(app.ctx, 'ana'), { model, version, reason: 'again' })
  assert.deepEqual([plan['bakeMs'], plan['approval']], [2 * hour, true])
  await pass(1.1, 60)
  assert.equal((await client.delivery.getRollout({ release: id })).state, 'awaiting_approval')
  await assert.rejects(client.delivery.skip({ release: id, step: -1 }), /second person/)
  await delivery.approve(as(app.ctx, 'ana'), { model, version, reason: 'mine' })
  await assert.rejects(client.delivery.promote({ release: id }), /second person/)
  await delivery.approve(as(app.ctx, 'bo'), { model, version, reason: 'looked at it' })
  await app.worker.drain()
  assert.deepEqual((await client.delivery.getRollout({ release: id })).state, 'step')
})

test('yellow asks for a golden set that is fresh', async (t) => {
  const { app, client, version } = await begin(t)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.promote({ release: id })
  await makeYellow(app.ctx)
  const freshness = async () => {
    await client.evaluation.runGate({ model, version })
    const { requirements } = await client.delivery.planRelease({ model, version })
    return requirements.find(({ requirement }) => requirement === 'golden freshness')
  }
  assert.equal((await freshness())?.met, true)
  await client.system.advanceClock({ to: new Date(app.ctx.now().getTime() + 100 * day).toISOString() })
  const old = await freshness()
  assert.equal(old?.met, false)
  assert.match(old?.detail ?? '', /100 days old, 90 are allowed/)
})

/** Twelve releases of long ago that failed: it is more likely than not that half of the changes fail. */
async function makeYellow(ctx: Context): Promise<void> {
  const row = (await store.listReleases(ctx, model)).find(({ number }) => Number(number) === 1)
  assert.ok(row)
  const at = ctx.now().toISOString()
  for (let index = 0; index < 12; index++) {
    const failed = { state: 'rolled_back', caught: 0, failed_at: at, ended_at: at }
    await store.insertRelease(ctx, { ...row, ...failed, id: `${model}.old${index}`, number: -1 - index })
  }
}
