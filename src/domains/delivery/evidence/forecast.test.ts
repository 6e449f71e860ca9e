import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model, spec } from '../../../../test/support/trips.ts'
import { begin } from '../delivery.fixture.ts'
import { planOf } from '../plan.ts'
import { forecastOf, trafficRate } from './forecast.ts'
import { judge, type Observation } from './judge.ts'

const plan = planOf(spec, 'trip-late.r1', { slower: 1, approval: false, requestsPerDay: 0 })
const start = Date.parse('2026-01-01T00:00:00.000Z')
const at = (second: number) => new Date(start + second * 1_000).toISOString()
const traffic = { requests: 60, units: 30, hours: 24, at: at(0) }

const answers = (count: number, arm: Observation['arm'], badEvery = 0): Observation[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `${arm}${index}`,
    inputs: {},
    at: at(index),
    unit: `${arm}${index}`,
    arm,
    bad: badEvery > 0 && index % badEvery === 0 ? 'error' : null,
    marks: [],
    output: 0.5,
    label: null,
    latencyMs: 5,
    cost: null,
  }))

const shadow = { step: -1, stepStartedAt: at(0), shares: [{ at: at(0), share: 0 }], traffic }

test('as many answers as a step says it needs are enough, and one less is not', () => {
  for (const [seen, badEvery] of [
    [0, 0],
    [20, 0],
    [40, 20],
  ] as const) {
    const [guard] = judge(plan, shadow, answers(seen, 'shadow', badEvery))
    const units = guard?.needs?.units ?? 0
    const verdict = (more: number) => judge(plan, shadow, answers(seen + more, 'shadow', badEvery))[0]?.verdict
    assert.deepEqual([guard?.verdict, verdict(units)], ['waiting', 'ok'], `${seen}`)
    if (badEvery === 0) assert.equal(verdict(units - 1), 'waiting')
  }
})

test('a step whose answers are too often bad says that more of them will not do', () => {
  const [guard] = judge(plan, shadow, answers(40, 'shadow', 4))
  assert.equal(guard?.needs?.units, null)
  const forecast = forecastOf(plan, { state: 'shadow', step: -1, step_started_at: at(0), guards: guard ? [guard] : [] })
  assert.deepEqual(
    [forecast?.expectedAt, forecast?.sentence],
    [null, 'at the rate of bad answers so far its evidence will never be enough'],
  )
})

test("what is needed is said with the time that it takes at today's traffic, and without traffic that nobody can tell", () => {
  const said = (units: number | null, perHour: number, hours = 24) => {
    const needs = { units, perHour, hours, at: at(0) }
    const guard = {
      guard: 'g',
      verdict: 'waiting' as const,
      required: true,
      value: 1,
      limit: 20,
      n: 1,
      reason: '',
      needs,
    }
    return forecastOf(plan, { state: 'step', step: 0, step_started_at: at(0), guards: [guard] })
  }
  assert.equal(
    said(1_240, 207)?.sentence,
    "needs 1,240 more units; about 6 h at today's traffic (207/h over the last 24 h)",
  )
  assert.equal(said(1_240, 207)?.expectedAt, '2026-01-01T05:59:25.217Z')
  assert.equal(
    said(1, 0.25, 0.5)?.sentence,
    "needs 1 more unit; about 4 h at today's traffic (0.25/h over the last 30 min)",
  )
  assert.equal(said(59, 0)?.sentence, 'needs 59 more units; when cannot be told: none came over the last 24 h')
  assert.equal(said(0, 0)?.sentence, 'has its evidence')
  assert.equal(said(59, 0)?.expectedAt, null)
})

test('a unit that comes again is no new one, and a copy for a shadow is no request', () => {
  const row = (hours: number, unit: string, arm = 'live') => ({
    at: at(hours * 3_600),
    id: `${hours}${unit}`,
    unit,
    arm,
  })
  const rows = [row(1, 'a'), row(30, 'a'), row(30, 'b'), row(31, 'b'), row(31, 'c', 'shadow'), row(32, 'd')]
  const { requests, units } = trafficRate(rows, { since: at(24 * 3_600), now: new Date(at(48 * 3_600)), sample: 1 })
  assert.deepEqual([requests, units], [4 / 24, 2 / 24])
})

test('a release says at once what shadow needs and when, each step anew, and nothing once it is over', async (t) => {
  const { client, version, pass, goLive } = await begin(t)
  const { id: earlier } = await client.delivery.release({ model, version, reason: 'first' })
  await goLive()
  assert.equal((await client.delivery.getRollout({ release: earlier })).forecast, null)
  await client.delivery.rollback({ model, reason: 'a doubt' })
  await client.delivery.unpin({ model, reason: 'looked at it' })
  await pass(5, 0)
  const { id: release } = await client.delivery.release({ model, version, reason: 'again' })
  const first = await client.delivery.getRollout({ release })
  assert.deepEqual([first.state, first.guards.map(({ guard }) => guard)], ['shadow', ['shadow answers']])
  assert.ok(first.forecast && first.forecast.needs !== null && first.forecast.needs > 0)
  assert.ok(first.forecast.perHour > 0 && first.forecast.expectedAt !== null)
  assert.equal(first.forecast.stepUntil, new Date(Date.parse(first.stepStartedAt) + 3_600_000).toISOString())
  assert.ok(first.nextCheckAt !== null && first.nextCheckAt <= first.forecast.stepUntil)
  await pass(1.1, 60)
  const second = await client.delivery.getRollout({ release })
  assert.equal(second.state, 'step')
  assert.match(second.forecast?.sentence ?? '', /^needs \d+ more units?; about /)
})
