import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { spec } from '../../../../test/support/trips.ts'
import { createRandom } from '../../../core/stats/random.ts'
import { armOf } from '../../serving/serving.ts'
import { type Plan, planOf } from '../plan.ts'
import { decide } from '../rules.ts'
import { judge, type Observation, type Progress } from './judge.ts'

const plan = planOf(spec, 'trip-late.r1', { slower: 1, approval: false, requestsPerDay: 0 })
const start = Date.parse('2026-01-01T00:00:00.000Z')
const at = (second: number) => new Date(start + second * 1_000).toISOString()

type TrafficSample = {
  requests: number
  share: number
  from?: number
  badRate: (arm: string) => number
  unit?: (index: number) => string
}

/** What the gateway would have logged. */
function answers(
  random: () => number,
  { requests, share, from = 0, badRate, unit }: TrafficSample,
  of: Plan = plan,
): Observation[] {
  return Array.from({ length: requests }, (_, index) => {
    const name = unit?.(index) ?? `u${from + index}`
    const arm = armOf(name, { share: share, salt: of.salt }) === 'canary' ? 'canary' : 'live'
    const bad = random() < badRate(arm) ? 'error' : null
    const asked = { id: `p${from + index}`, at: at(from + index), unit: name, inputs: {} }
    return { ...asked, arm, bad, marks: [], output: 0.5, label: null, latencyMs: 5, cost: 1 }
  })
}

const standing = (share: number, shares = [{ at: at(0), share }]): Progress => ({
  step: 0,
  stepStartedAt: at(0),
  shares,
})
const guard = (guards: ReturnType<typeof judge>, name: string) => guards.find((one) => one.guard === name)

test('the control is as large as the canary, from the other end, and nobody is in both while the ramp grows to a half', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.double({ min: 0.01, max: 0.5, noNaN: true }),
      fc.double({ min: 0.01, max: 0.5, noNaN: true }),
      (unit, a, b) => {
        const [small, large] = [Math.min(a, b), Math.max(a, b)]
        const [before, after] = [
          armOf(unit, { share: small, salt: plan.salt }),
          armOf(unit, { share: large, salt: plan.salt }),
        ]
        if (before !== 'other') assert.equal(after, before)
      },
    ),
  )
  const random = createRandom(1)
  const seen = answers(random, { requests: 20_000, share: 0.1, badRate: () => 0 })
  const [ratio] = judge(plan, standing(0.1), seen)
  assert.equal(ratio?.verdict, 'ok')
  const count = (arm: string) => seen.filter(({ unit }) => armOf(unit, { share: 0.1, salt: plan.salt }) === arm).length
  assert.ok(Math.abs(count('canary') - count('control')) < 200)
})

test('a user with a thousand bad answers counts once: one unhappy user never aborts a release', () => {
  const random = createRandom(2)
  const unlucky =
    Array.from({ length: 10_000 }, (_, index) => `u${index}`).find(
      (unit) => armOf(unit, { share: 0.5, salt: plan.salt }) === 'canary',
    ) ?? ''
  const seen = [
    ...answers(random, { requests: 400, share: 0.5, badRate: () => 0 }),
    ...answers(random, { requests: 1_000, share: 0.5, from: 400, badRate: () => 1, unit: () => unlucky }),
  ]
  assert.equal(guard(judge(plan, standing(0.5), seen), 'bad answers: harm')?.verdict, 'ok')
})

test('the fallback answer for a canary that failed counts for neither arm', () => {
  const random = createRandom(3)
  const seen = answers(random, { requests: 600, share: 0.5, badRate: (arm) => (arm === 'canary' ? 0.5 : 0) })
  const standIns = seen
    .filter(({ arm, bad }) => arm === 'canary' && bad !== null)
    .map((one): Observation => ({ ...one, arm: 'live', bad: 'slow' }))
  const without = judge(plan, standing(0.5), seen)
  const mixed = [...seen, ...standIns].sort((a, b) => (a.at < b.at ? -1 : 1))
  assert.deepEqual(judge(plan, standing(0.5), mixed), without)
  assert.equal(guard(without, 'bad answers: harm')?.verdict, 'harm')
})

test('a higher mean latency or cost aborts when the spec bounds it, and one enormous answer does not', () => {
  const bounded = { ...plan, latencyRatio: 1.1, costRatio: 1.1 }
  const random = createRandom(4)
  const seen = answers(random, { requests: 4_000, share: 0.5, badRate: () => 0 }, bounded)
  const verdicts = (rows: Observation[]) =>
    ['latency', 'cost'].map((name) => guard(judge(bounded, standing(0.5), rows), name)?.verdict)
  const noisy = (factor: number) =>
    seen.map((row) => {
      const much = (1 + 0.2 * random()) * (row.arm === 'canary' ? factor : 1)
      return { ...row, latencyMs: 5 * much, cost: much }
    })
  assert.deepEqual(verdicts(noisy(1)), ['ok', 'ok'])
  assert.deepEqual(verdicts(noisy(1.3)), ['harm', 'harm'])
  const once = noisy(1)
  const index = once.findIndex(({ arm }, position) => arm === 'canary' && position > 100)
  assert.deepEqual(verdicts(once.with(index, { ...(once[index] as Observation), latencyMs: 1e9, cost: 1e9 })), [
    'ok',
    'ok',
  ])
})

test('a ramp of a harmless release is aborted with at most alpha, looked at every twenty requests, at any base rate', () => {
  const random = createRandom(5)
  const runs = 200
  let aborted = 0
  for (let run = 0; run < runs; run++) {
    const own = { ...plan, salt: `r${run}` }
    const shares = [
      { at: at(0), share: 0.1 },
      { at: at(300), share: 0.5 },
    ]
    const base = 0.02 + 0.1 * random()
    const seen = [
      ...answers(random, { requests: 300, share: 0.1, badRate: () => base }, own),
      ...answers(random, { requests: 300, share: 0.5, from: 300, badRate: () => base / 2 }, own),
    ]
    for (let look = 20; look <= seen.length; look += 20) {
      const known = shares.filter((entry) => entry.at <= at(look))
      const guards = judge(
        own,
        { step: known.length - 1, stepStartedAt: known.at(-1)?.at ?? '', shares: known },
        seen.slice(0, look),
      )
      if (decide(own, { step: 0, elapsedMs: 0, guards, approved: true }).kind !== 'abort') continue
      aborted += 1
      break
    }
  }
  assert.ok(aborted / runs <= 0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs), `${aborted} of ${runs}`)
})

test('"inconclusive: ship" ships only after the longest hold, only with traffic, and never against harm', () => {
  const shipping = { ...plan, inconclusive: 'ship' as const }
  const random = createRandom(6)
  const few = judge(shipping, standing(0.5), answers(random, { requests: 90, share: 0.5, badRate: () => 0.08 }))
  const late = shipping.bakeMs + shipping.holdMs
  const kind = (of: Plan, guards: typeof few, elapsedMs: number) =>
    decide(of, { step: 0, elapsedMs, guards, approved: false }).kind
  assert.equal(kind(shipping, few, late - 1), 'hold')
  assert.equal(kind(shipping, few, late), 'advance')
  assert.equal(kind(plan, few, late), 'hold')
  assert.equal(kind(shipping, judge(shipping, standing(0.5), []), late), 'hold')
})

test('what the bad answers of an arm were is said by their marks', () => {
  const rows = answers(createRandom(1), { requests: 40, share: 0.5, badRate: (arm) => Number(arm === 'canary') })
  const marked = rows.map(
    (row): Observation => (row.bad === null ? row : { ...row, bad: 'invalid', marks: ['stand_in', 'cut_off'] }),
  )
  const harm = guard(judge({ ...plan, coldStart: 0 }, standing(0.5), marked), 'bad answers: harm')
  assert.match(harm?.reason ?? '', /from the canary \(\d+ cut_off\)/)
})
