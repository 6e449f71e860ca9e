import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { spec } from '../../../test/support/trips.ts'
import { day } from '../../core/duration.ts'
import { answersOf } from '../evaluation/evaluation.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'
import { armOf } from '../serving/serving.ts'
import { judge, type Observation } from './evidence/judge.ts'
import { answersIn, planOf, readPlan } from './plan.ts'
import { decide } from './rules.ts'

const green = { slower: 1, approval: false, requestsPerDay: 0 }
const plan = planOf(spec, 'trip-late.r1', green)
const start = '2026-01-01T00:00:00.000Z'
const standing = { step: 0, stepStartedAt: start, shares: [{ at: start, share: 0.5 }] }

/** Units by the arm that the plan gives them at half of the traffic. */
const units = { canary: [] as string[], live: [] as string[] }
for (let index = 0; index < 5_000; index++) {
  units[armOf(`u${index}`, { share: 0.5, salt: plan.salt }) === 'canary' ? 'canary' : 'live'].push(`u${index}`)
}

const seen = (arm: Observation['arm'], bad: boolean, index: number): Observation => ({
  id: `${arm}-${index}`,
  inputs: {},
  at: new Date(Date.parse(start) + index * 1000).toISOString(),
  unit: units[arm === 'canary' ? 'canary' : 'live'][index] ?? `more${index}`,
  arm,
  bad: bad ? 'error' : null,
  marks: [],
  output: 0.5,
  label: null,
  latencyMs: 1,
  cost: null,
})

test('without any traffic a step holds, however long it has lasted', () => {
  const guards = judge(plan, standing, [])
  assert.equal(decide(plan, { step: 0, elapsedMs: plan.bakeMs * 100, guards, approved: false }).kind, 'hold')
})

test('a step with good answers advances when its time is over, not before', () => {
  const guards = judge(
    plan,
    standing,
    Array.from({ length: 200 }, (_, index) => seen(index % 2 === 0 ? 'canary' : 'live', false, index)),
  )
  assert.equal(decide(plan, { step: 0, elapsedMs: plan.bakeMs - 1, guards, approved: false }).kind, 'wait')
  assert.equal(decide(plan, { step: 0, elapsedMs: plan.bakeMs, guards, approved: false }).kind, 'advance')
})

test('a canary that fails where the live release does not is aborted before its step is over', () => {
  const guards = judge(
    plan,
    standing,
    Array.from({ length: 60 }, (_, index) => seen(index % 2 === 0 ? 'canary' : 'live', index % 2 === 0, index)),
  )
  assert.equal(decide(plan, { step: 0, elapsedMs: 1, guards, approved: false }).kind, 'abort')
})

test('a canary that gets another share than it should is held: the arms cannot be compared', () => {
  const guards = judge(
    plan,
    standing,
    Array.from({ length: 400 }, (_, index) => seen(index % 10 === 0 ? 'canary' : 'live', false, index)),
  )
  const decision = decide(plan, { step: 0, elapsedMs: plan.bakeMs, guards, approved: false })
  assert.equal(decision.kind, 'hold')
  assert.match(decision.reason, /cannot be compared/)
})

/** A better and a worse answer of each kind, with what turned out. */
const kinds: { output: ModelSpec['serves']['output']; good: Answer; poor: Answer; says: RegExp }[] = [
  { output: 'binary', good: [0.8, 1], poor: [0.2, 1], says: /^Log loss/ },
  { output: 'regression', good: [10, 11], poor: [10, 14], says: /^Absolute error/ },
  {
    output: 'multiclass',
    good: ['cat', 'cat'],
    poor: ['{"cat":0.2,"dog":0.8}', 'cat'],
    says: /^Share of wrong classes/,
  },
  { output: 'ranking', good: ['["a","b"]', { a: 1 }], poor: ['["b","a"]', { a: 1 }], says: /^One minus NDCG/ },
  { output: 'text', good: ['Paris', 0.9], poor: ['Paris', 0.4], says: /^One minus the score/ },
]
type Answer = [Observation['output'], Observation['label']]

test('answers further from the truth abort once labels prove it, whatever kind they are of', async () => {
  for (const { output, good, poor, says } of kinds) {
    const plan = planOf({ ...spec, serves: { ...spec.serves, output } }, 'trip-late.r1', green)
    const answers = await answersOf(answersIn(plan) ?? assert.fail())
    const rows = (worse: Answer) =>
      Array.from({ length: 2_000 }, (_, index): Observation => {
        const canary = index % 2 === 0
        const [given, label] = canary ? worse : good
        return { ...seen(canary ? 'canary' : 'live', false, index), output: given, label }
      })
    const guards = judge(plan, standing, rows(poor), { answers })
    const decision = decide(plan, { step: 0, elapsedMs: 1, guards, approved: false })
    assert.equal(decision.kind, 'abort', output)
    assert.match(decision.reason, says)
    const alike = judge(plan, standing, rows(good), { answers }).find(({ guard }) => guard === 'quality')
    assert.deepEqual([alike?.verdict, alike?.n], ['ok', 1_994])
  }
})

test('shadow answers that are bad never lead to traffic', () => {
  const shadow = Array.from({ length: 300 }, (_, index) => seen('shadow', index % 3 === 0, index))
  const guards = judge(plan, { ...standing, step: -1 }, shadow)
  assert.equal(decide(plan, { step: -1, elapsedMs: plan.shadowMs * 9, guards, approved: false }).kind, 'hold')
})

test('no evidence whatever advances a step before its time or without requests', () => {
  const rows = fc.array(fc.record({ arm: fc.constantFrom('live' as const, 'shadow' as const), bad: fc.boolean() }), {
    maxLength: 80,
  })
  fc.assert(
    fc.property(rows, fc.integer({ min: 0, max: 1e9 }), (given, elapsedMs) => {
      const guards = judge(
        plan,
        standing,
        given.map(({ arm, bad }, index) => seen(arm, bad, index)),
      )
      assert.notEqual(decide(plan, { step: 0, elapsedMs, guards, approved: false }).kind, 'advance')
    }),
  )
})

test('a careful plan takes twice as long on each step, and every plan ends with all of the traffic', () => {
  assert.equal(planOf(spec, 'x', { slower: 2, approval: true, requestsPerDay: 0 }).bakeMs, 2 * plan.bakeMs)
  assert.equal(
    planOf(
      { ...spec, delivery: { ...spec.delivery, rollout: { ...spec.delivery.rollout, steps: [5] } } },
      'x',
      green,
    ).steps.at(-1),
    100,
  )
})

test('much traffic is judged by a share of its units, fixed before the first of them', () => {
  const { sample } = planOf(spec, 'x', { ...green, requestsPerDay: day })
  assert.ok(sample > 0 && sample < 0.1)
  assert.equal(plan.sample, 1)
})

test('a plan that an earlier version froze is read under the names of today, with nothing lost', () => {
  const { nonInferiorityRatio, minimumEffect, minimumShadow, external, ...same } = plan
  const names = { worseBy: nonInferiorityRatio, practical: minimumEffect, fewestShadow: minimumShadow }
  assert.deepEqual(readPlan({ ...same, ...names, elsewhere: external }), plan)
  assert.deepEqual(readPlan(plan), plan)
})
