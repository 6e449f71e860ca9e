import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model } from '../../../test/support/trips.ts'
import type { Context } from '../../core/context.ts'
import { day } from '../../core/duration.ts'
import { begin } from './delivery.fixture.ts'
import type { ReleaseRecord } from './store.ts'
import * as store from './store.ts'

/** A log of releases as it would have been written, days apart. */
async function log(ctx: Context, rows: (Partial<ReleaseRecord> & { number: number; day: number })[]): Promise<void> {
  const begun = ctx.now().getTime()
  for (const { day: after, ...given } of rows) {
    const at = new Date(begun + after * day).toISOString()
    await store.insertRelease(ctx, {
      id: `${model}.r${given.number}`,
      model,
      version: 1,
      kind: 'model',
      trigger_kind: 'human',
      state: 'retired',
      reason: 'test',
      owner: 'ana@team.example',
      backup: 'bo@team.example',
      gate: null,
      addresses: null,
      plan: {},
      plan_digest: '',
      created_at: at,
      first_live_at: at,
      fully_live_at: at,
      ended_at: null,
      ended_because: null,
      caught: null,
      created_by: 'ana',
      failed_at: null,
      ...given,
    })
  }
}

async function measured(t: Parameters<typeof begin>[0], rows: Parameters<typeof log>[1]) {
  const { app, client } = await begin(t)
  await log(app.ctx, rows)
  await client.system.advanceClock({ to: new Date(app.ctx.now().getTime() + 56 * day).toISOString() })
  return { metrics: await client.delivery.metrics({ model }), client, app }
}

test('a canary that never answered is no deployment; a caught one is no failure; a rolled back one is', async (t) => {
  const { metrics } = await measured(t, [
    { number: 0, day: 0, kind: 'baseline' },
    { number: 1, day: 0 },
    { number: 2, day: 10, first_live_at: null, fully_live_at: null, state: 'rolled_back', caught: 1 },
    { number: 3, day: 20, fully_live_at: null, state: 'rolled_back', caught: 1 },
    { number: 4, day: 30, state: 'rolled_back', caught: 0, failed_at: '2026-02-02T00:00:00.000Z' },
  ])
  assert.equal(metrics.deployments, 3)
  assert.equal(metrics.perWeek, 3 / 8)
  assert.deepEqual(metrics.frequency, { target: 'weekly', perWeek: 1, met: false })
  assert.deepEqual(metrics.escapeRate, { escaped: 1, caught: 1, value: 0.5 })
  assert.deepEqual([metrics.changeFailRate.failed, metrics.changeFailRate.total], [1, 3])
  assert.ok(metrics.changeFailRate.lower < metrics.changeFailRate.mean && metrics.changeFailRate.mean < 1 / 3)
  assert.deepEqual(
    [metrics.recoveryMinutes.fromFirstTraffic.n, metrics.recoveryMinutes.fromFirstTraffic.value],
    [1, 2 * 1440],
  )
  assert.equal(metrics.leadTimeHours.n, 2)
})

test('a hotfix within a week makes the release before it a failure, and is rework', async (t) => {
  const { metrics } = await measured(t, [
    { number: 1, day: 0 },
    { number: 2, day: 5, trigger_kind: 'hotfix', addresses: 'failure_1' },
    { number: 3, day: 20 },
    { number: 4, day: 40, trigger_kind: 'hotfix', addresses: 'failure_2' },
  ])
  assert.equal(metrics.changeFailRate.failed, 1)
  assert.deepEqual(metrics.rework, { hotfixes: 2, deployments: 4, value: 0.5 })
})

test('scheduled retrains are told apart, kinds and four-week spans add up to the whole', async (t) => {
  const { metrics, client } = await measured(t, [
    { number: 1, day: 0, kind: 'prompt' },
    { number: 2, day: 7, trigger_kind: 'schedule' },
    { number: 3, day: 14, trigger_kind: 'schedule' },
    { number: 4, day: 35, kind: 'data', caught: 1, state: 'rolled_back' },
  ])
  assert.deepEqual([metrics.deployments, metrics.withoutScheduled.deployments], [4, 2])
  assert.deepEqual(
    metrics.byKind.map(({ kind, deployments, caught }) => [kind, deployments, caught]),
    [
      ['data', 1, 1],
      ['model', 2, 0],
      ['prompt', 1, 0],
    ],
  )
  assert.deepEqual(
    metrics.trend.map(({ deployments }) => deployments),
    [3, 1],
  )
  const overview = await client.delivery.overview({})
  assert.deepEqual(
    overview.teams.map(({ team, deployments }) => [team, deployments]),
    [['ana@team.example', 4]],
  )
  assert.deepEqual(
    overview.kinds.map(({ kind, deployments, caught }) => [kind, deployments, caught]),
    [
      ['data', 1, 1],
      ['model', 2, 0],
      ['prompt', 1, 0],
    ],
  )
})

test('an abort under traffic, a rollback and a drill each leave their seconds', async (t) => {
  const { client, version, pass } = await begin(t)
  const first = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.promote({ release: first.id })
  const second = await client.delivery.release({ model, version, reason: 'second' })
  await pass(0, 0)
  await client.delivery.skip({ release: second.id, step: -1 })
  await client.delivery.abort({ release: second.id })
  await client.delivery.drill({ model })
  const { seconds } = await client.delivery.rollback({ model, reason: 'a doubt' })
  const { rollbackSeconds } = await client.delivery.metrics({ model })
  assert.deepEqual(rollbackSeconds.incidents, [seconds])
  assert.deepEqual([rollbackSeconds.drills.length, rollbackSeconds.aborts.length], [1, 1])
})
