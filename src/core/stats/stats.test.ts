import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { betaPosterior } from './beta-posterior.ts'
import { oneSidedHalfWidth } from './confidence-sequence.ts'
import { chiSquareSurvival, normalCdf, studentTQuantile } from './distributions.ts'
import { jensenShannon, psi, psiCritical } from './drift-distances.ts'
import { evidence, floorEvidence, harmProcess, notWorseProcess, observe } from './e-process.ts'
import { holm } from './holm.ts'
import { auc } from './metrics.ts'
import { proportionInterval } from './order-statistics.ts'
import { pairedNonInferiority } from './paired-difference.ts'
import { createRandom, hashUnit } from './random.ts'
import { sampleRatio } from './sample-ratio.ts'
import { mcNemar, smallestMargin, tangoTest } from './tango.ts'

/** Relative tolerance of the published fixtures. */
function close(actual: number, expected: number, tolerance = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`)
}

test('distributions agree with tabulated values', () => {
  close(normalCdf(1.959963984540054), 0.975)
  close(chiSquareSurvival(20.8888888888889, 3), 1.11020308904378e-4)
  close(studentTQuantile(0.975, 1), 12.706204736432095)
})

test('the Tango test gives the published fixtures', () => {
  const first = tangoTest({ candidateOnly: 6, baselineOnly: 9, n: 200, margin: 0.05 })
  close(first.z, 1.6488169274798739)
  close(first.lowerBound, -0.0499043785, 1e-8)
  close(tangoTest({ candidateOnly: 0, baselineOnly: 0, n: 100, margin: 0.05 }).z, 2.2941573387056176)
  close(tangoTest({ candidateOnly: 3, baselineOnly: 5, n: 60, margin: 0.1 }).z, 1.2977144569453567)
  close(mcNemar(6, 9).midP, 0.454498291015625)
  close(mcNemar(6, 9).exact, 0.607238769531, 1e-11)
})

test('the smallest provable margin is the one of the table', () => {
  close(smallestMargin({ n: 100, discordance: 0 }), 0.026, 0.0006)
  close(smallestMargin({ n: 200, discordance: 0.1 }), 0.039, 0.0006)
  close(smallestMargin({ n: 1000, discordance: 0.2 }), 0.023, 0.0006)
})

test('the e-process gives the published evidence after 10, 20 and 30 events', () => {
  let state = harmProcess(1)
  const values: number[] = []
  for (let event = 0; event < 30; event++) {
    state = observe(state, { canary: (7 * event) % 10 < 4, share: 0.1 })
    values.push(evidence(state))
  }
  close(values[9] ?? 0, 12.414259725402)
  close(values[19] ?? 0, 201.737238402315)
  close(values[29] ?? 0, 3696.61958824213)
  assert.equal(
    values.findIndex((value) => value >= 20),
    10,
  )
})

test('looking after every bad event, harm is found by chance in at most alpha of harmless rollouts, also when the base rate drifts', () => {
  const random = createRandom(11)
  let found = 0
  const rollouts = 1_000
  for (let rollout = 0; rollout < rollouts; rollout++) {
    let state = harmProcess(1)
    for (let event = 0; event < 200; event++) {
      const share = event < 100 ? 0.1 : 0.5
      state = observe(state, { canary: random() < share, share })
      if (evidence(state) >= 20) {
        found += 1
        break
      }
    }
  }
  assert.ok(found / rollouts <= 0.05 + 3 * Math.sqrt((0.05 * 0.95) / rollouts), `${found} of ${rollouts}`)
})

test('no bad answer in enough requests proves a rate below the floor, few requests do not', () => {
  assert.ok(floorEvidence({ requests: 30, bad: 0, floor: 0.05 }) < 20)
  assert.ok(floorEvidence({ requests: 120, bad: 0, floor: 0.05 }) > 20)
  assert.ok(floorEvidence({ requests: 120, bad: 12, floor: 0.05 }) < 1)
})

test('equal bad rates are proven not worse than one and a half times, given enough events', () => {
  const random = createRandom(5)
  let state = notWorseProcess(1.5)
  for (let event = 0; event < 600; event++) state = observe(state, { canary: random() < 0.5, share: 0.5 })
  assert.ok(evidence(state) > 20)
})

test('the confidence sequence has the published half width', () => {
  close(oneSidedHalfWidth({ n: 4000, standardError: 0.004 }), 0.011148626848874)
})

test('the change-fail posterior gives the published small-sample values', () => {
  const one = betaPosterior({ failed: 1, total: 5, target: 0.15 })
  close(one.mean, 2 / 15)
  close(one.lower, 0.03, 0.006)
  close(one.upper, 0.3, 0.01)
  close(one.aboveTarget, 0.36, 0.006)
  close(betaPosterior({ failed: 2, total: 5, target: 0.15 }).aboveTarget, 0.65, 0.006)
  close(betaPosterior({ failed: 5, total: 20, target: 0.15 }).aboveTarget, 0.74, 0.006)
})

test('drift distances give the published fixtures', () => {
  const reference = [5, 20, 39, 71, 83, 106, 81, 62, 24, 9, 0]
  const current = [6, 11, 16, 38, 59, 73, 76, 69, 35, 10, 7]
  close(psi(reference, current), 0.193944968942874)
  close(jensenShannon(reference, current), 0.137625780623698)
  close(psi([250, 150, 90, 10], [180, 120, 80, 20]), 0.034863958052273)
  close(psiCritical({ bins: 12, n: 100, m: 1000 }), 0.216, 0.001)
})

test('area under the curve equals counting all pairs', () => {
  const scored = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 9 })), { minLength: 2, maxLength: 60 })
  fc.assert(
    fc.property(scored, (rows) => {
      const labels = rows.map(([label]) => Number(label))
      const scores = rows.map(([, score]) => score)
      const positives = rows.filter(([label]) => label)
      const negatives = rows.filter(([label]) => !label)
      fc.pre(positives.length > 0 && negatives.length > 0)
      const wins = positives.flatMap(([, p]) => negatives.map(([, q]) => (p > q ? 1 : p === q ? 0.5 : 0)))
      close(auc(labels, scores), wins.reduce((total: number, win) => total + win, 0) / wins.length)
    }),
  )
})

test('paired non-inferiority never passes on a NaN, on too few differences, or on nothing', () => {
  assert.equal(pairedNonInferiority({ differences: [], margin: 1 }).verdict, 'error')
  assert.equal(pairedNonInferiority({ differences: [...Array(99).fill(1), Number.NaN], margin: 1 }).verdict, 'error')
  assert.equal(pairedNonInferiority({ differences: Array(100).fill(0), margin: 1 }).verdict, 'cannot_tell')
})

test('at the margin itself paired non-inferiority passes about one time in twenty', () => {
  const random = createRandom(3)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  let passes = 0
  const trials = 400
  for (let trial = 0; trial < trials; trial++) {
    const differences = Array.from({ length: 60 }, () => normal() - 0.2)
    if (pairedNonInferiority({ differences, margin: 0.2, seed: trial }).verdict === 'pass') passes += 1
  }
  assert.ok(passes / trials <= 0.05 + 3 * Math.sqrt((0.05 * 0.95) / trials), `${passes} of ${trials}`)
})

test('Holm adjusts in steps and keeps the order', () => {
  const adjusted = holm([0.01, 0.04, 0.03])
  for (const [index, expected] of [0.03, 0.06, 0.06].entries()) close(adjusted[index] ?? 0, expected)
})

test('assignment is even over units and independent between salts', () => {
  const shares = Array.from({ length: 20_000 }, (_, unit) => [hashUnit(`a/${unit}`), hashUnit(`b/${unit}`)] as const)
  const both = shares.filter(([a, b]) => a < 0.3 && b < 0.3).length
  assert.equal(sampleRatio([both, shares.length - both], [0.09, 0.91]).healthy, true)
  assert.equal(sampleRatio([100, 200], [0.5, 0.5]).healthy, false)
})

test('none of n failing bounds the rate by about three over n', () => {
  close(proportionInterval(0, 300, 0.1).upper, 0.00994, 0.0001)
})
