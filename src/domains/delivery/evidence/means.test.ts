import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spec } from '../../../../test/support/trips.ts'
import { createRandom } from '../../../core/stats/random.ts'
import type { OutcomeGuard } from '../../registry/spec/spec.ts'
import { armOf, type LoggedOutcome } from '../../serving/serving.ts'
import { planOf } from '../plan.ts'
import { decide } from '../rules.ts'
import { judge, type Observation } from './judge.ts'

const start = Date.parse('2026-01-01T00:00:00.000Z')
const at = (second: number) => new Date(start + second * 1_000).toISOString()
const standing = { step: 0, stepStartedAt: at(0), shares: [{ at: at(0), share: 0.5 }] }

const watching = (guard: Partial<OutcomeGuard> = {}) => {
  const guards: OutcomeGuard[] = [{ outcome: 'thumbs', better: 'higher', within: 0.05, ...guard }]
  const rollout = { ...spec.delivery.rollout, guards }
  return planOf({ ...spec, delivery: { ...spec.delivery, rollout } }, 'trip-late.r1', {
    slower: 1,
    approval: false,
    requestsPerDay: 0,
  })
}

/** What the gateway would have logged of users that ask twice each, and what they did. */
function traffic(plan: ReturnType<typeof planOf>, users: number, value: (arm: string, index: number) => number | null) {
  const rows: Observation[] = []
  const outcomes: LoggedOutcome[] = []
  for (let index = 0; index < users; index++) {
    const unit = `u${index}`
    const arm = armOf(unit, { share: 0.5, salt: plan.salt }) === 'canary' ? 'canary' : 'live'
    const asked = { inputs: {}, bad: null, marks: [], output: 0.5, label: null, latencyMs: 1, cost: null }
    for (const time of [0, 1]) rows.push({ ...asked, id: `${unit}-${time}`, at: at(2 * index + time), unit, arm })
    const found = value(arm, index)
    const of = index % 2 === 0 ? { prediction: `${unit}-1`, unit: null } : { prediction: null, unit }
    if (found !== null) outcomes.push({ name: 'thumbs', value: found, at: at(2 * index + 1), ...of })
  }
  return { rows, outcomes }
}

function judged(plan: ReturnType<typeof planOf>, users: number, value: (arm: string, index: number) => number | null) {
  const { rows, outcomes } = traffic(plan, users, value)
  const guards = judge(plan, standing, rows, { outcomes })
  const guard = guards.find((one) => one.guard === 'outcome thumbs')
  assert.ok(guard)
  const late = plan.bakeMs + plan.holdMs
  return { guard, decision: decide(plan, { step: 0, elapsedMs: late, guards, approved: false }) }
}

test('an outcome of which nothing is reported cannot tell: the step holds, also where inconclusive ones ship', () => {
  for (const plan of [watching(), watching({ absent: 0 }), { ...watching(), inconclusive: 'ship' as const }]) {
    const { guard, decision } = judged(plan, 4_000, () => null)
    assert.deepEqual([guard.verdict, guard.n, guard.required], ['waiting', 0, true])
    assert.match(guard.reason, /"thumbs": no data, so it cannot tell/)
    assert.equal(decision.kind, 'hold')
  }
})

test('a canary whose users are less content is aborted, by predictions and by users alike', () => {
  const random = createRandom(3)
  const { guard, decision } = judged(watching(), 4_000, (arm) => Number(random() < (arm === 'canary' ? 0.5 : 0.7)))
  assert.deepEqual([guard.verdict, guard.limit, decision.kind], ['harm', -0.05, 'abort'])
  assert.ok(Math.abs((guard.value ?? 0) + 0.2) < 0.05 && guard.n > 3_900)
  assert.match(
    decision.reason,
    /Outcome "thumbs" of the canary minus the control: -0\.\d+, surely at most -0\.\d+; -0\.0500/,
  )
})

test('where lower is better, more of it is harm and less is not', () => {
  const random = createRandom(4)
  const rate = (canary: number) => (arm: string) => Number(random() < (arm === 'canary' ? canary : 0.2))
  const plan = watching({ better: 'lower' })
  assert.equal(judged(plan, 4_000, rate(0.4)).guard.verdict, 'harm')
  assert.equal(judged(plan, 4_000, rate(0.1)).guard.verdict, 'ok')
})

test('where the spec wants it proven, a step waits until the canary is surely no worse than the margin', () => {
  const random = createRandom(5)
  const same = () => Number(random() < 0.5)
  const few = judged(watching({ proven: true }), 400, same)
  assert.deepEqual([few.guard.verdict, few.decision.kind], ['waiting', 'hold'])
  assert.equal(judged(watching(), 400, same).guard.verdict, 'ok')
  assert.equal(judged(watching({ proven: true }), 20_000, same).guard.verdict, 'ok')
})

test('users without a report count as what the spec says, so that rare conversions can be compared', () => {
  const rare = (arm: string, index: number) => (index % (arm === 'canary' ? 40 : 10) === 0 ? 1 : null)
  const plan = watching({ within: 0.02 })
  const counted = judged(watching({ within: 0.02, absent: 0 }), 6_000, rare).guard
  assert.deepEqual([judged(plan, 6_000, rare).guard.verdict, counted.verdict], ['ok', 'harm'])
  assert.ok(Math.abs((counted.value ?? 0) + 0.075) < 0.02)
})

test('one large sum decides nothing, although most users spend nothing', () => {
  const spent = (arm: string, index: number) =>
    index % 10 === 0 ? (arm === 'canary' && index === 10 ? 1e9 : 20) : null
  const { guard } = judged(watching({ within: 1, absent: 0, better: 'lower' }), 6_000, spent)
  assert.equal(guard.verdict, 'ok')
  assert.ok(Math.abs(guard.value ?? 9) < 1)
})

test('alpha is kept however often is looked: equal outcomes abort in few of many rollouts', () => {
  const random = createRandom(6)
  const plan = watching({ within: 0 })
  const aborted = Array.from({ length: 50 }, () => {
    const { rows, outcomes } = traffic(plan, 1_200, () => Number(random() < 0.3))
    return [400, 800, 1_200, 1_600, 2_000, 2_400].some((seen) =>
      judge(plan, standing, rows.slice(0, seen), { outcomes }).some(
        ({ guard, verdict }) => guard === 'outcome thumbs' && verdict === 'harm',
      ),
    )
  }).filter(Boolean).length
  assert.ok(aborted <= 6, `${aborted} of 50`)
})
