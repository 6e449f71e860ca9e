import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalFrom } from '../../src/core/stats/close-to.fixture.ts'
import { jensenShannon, psi, wassersteinNormed } from '../../src/core/stats/drift-distances.ts'
import { sturgesHistograms, valueHistograms } from '../../src/core/stats/histogram-bins.ts'
import { ksAsymptoticP, ksStatistic } from '../../src/core/stats/kolmogorov-smirnov.ts'
import { createRandom } from '../../src/core/stats/random.ts'
import { addToSketch, createReference, createSketch, type SketchReference } from '../../src/core/stats/sketch.ts'
import { sketchTests } from '../../src/core/stats/sketch-comparison.ts'
import { type AlertRule, decideDrift, defaultRules, fires, isDemoted } from '../../src/domains/monitoring/rules.ts'

/** Nothing ever moves here: every alarm is false. */
const rule = defaultRules.find(({ signal }) => signal === 'drift') as AlertRule

function isSketched(reference: SketchReference, values: readonly unknown[]) {
  const sketch = createSketch(reference)
  for (const value of values) addToSketch(sketch, value)
  return sketch
}

test('where fixed thresholds cry wolf in most windows, ours stays quiet: normal columns', () => {
  const cases = [
    { n: 1_000, m: 100, seed: 1 },
    { n: 1_001, m: 300, seed: 2 },
    { n: 1_001, m: 1_000, seed: 3 },
  ]
  const trials = 60
  for (const { n, m, seed } of cases) {
    const normal = normalFrom(createRandom(seed))
    const sample = (size: number) => Array.from({ length: size }, normal)
    const naive = { ks: 0, wasserstein: 0, psi: 0, js: 0 }
    let ours = 0
    for (let trial = 0; trial < trials; trial++) {
      const [before, now] = [sample(n), sample(m)]
      const bins = sturgesHistograms(before, now)
      naive.ks += Number(ksAsymptoticP(ksStatistic(before, now), n, m) <= 0.05)
      naive.wasserstein += Number(wassersteinNormed(before, now) >= 0.1)
      naive.psi += Number(psi(bins.reference, bins.current) >= 0.1)
      naive.js += Number(jensenShannon(bins.reference, bins.current) >= 0.1)
      const reference = createReference({ kind: 'numeric', values: before })
      const tests = sketchTests(isSketched(reference, before), isSketched(reference, now))
      ours += Number(decideDrift([{ column: 'x', tests, threshold: 0 }], 0.1)[0]?.drifted)
    }
    assert.ok(ours <= trials * 0.08, `${ours} of ${trials} at ${n}/${m}`)
    if (m === 100) {
      assert.ok(naive.wasserstein > trials * 0.5, `wasserstein ${naive.wasserstein}`)
      assert.ok(naive.psi > trials * 0.5, `psi ${naive.psi}`)
      assert.ok(naive.js > trials * 0.5, `js ${naive.js}`)
    }
    assert.ok(naive.ks < trials * 0.2)
  }
})

test('where fixed thresholds cry wolf in most windows, ours stays quiet: many categories', () => {
  for (const { levels, n, m, seed } of [
    { levels: 20, n: 1_001, m: 100, seed: 4 },
    { levels: 100, n: 5_000, m: 1_000, seed: 5 },
  ]) {
    const random = createRandom(seed)
    const weights = Array.from({ length: levels }, (_, level) => 1 / (level + 1))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const draw = () => {
      const at = random() * total
      let sum = 0
      const level = weights.findIndex((weight) => {
        sum += weight
        return at < sum
      })
      return `c${level}`
    }
    const sample = (size: number) => Array.from({ length: size }, draw)
    const trials = 40
    let [naive, ours] = [0, 0]
    for (let trial = 0; trial < trials; trial++) {
      const [before, now] = [sample(n), sample(m)]
      const counts = valueHistograms(before, now)
      naive += Number(psi(counts.reference, counts.current) >= 0.1)
      const reference = createReference({ kind: 'categorical', values: before })
      const tests = sketchTests(isSketched(reference, before), isSketched(reference, now))
      ours += Number(decideDrift([{ column: 'x', tests, threshold: 0 }], 0.1)[0]?.drifted)
    }
    assert.ok(naive > trials * 0.6, `naive ${naive}`)
    assert.ok(ours <= trials * 0.1, `ours ${ours}`)
  }
})

test('twenty quiet columns over a year of weeks: alarms at p 0.05 in most weeks, ours in hardly any', () => {
  const random = createRandom(6)
  const weeks = 52
  const [n, m] = [2_000, 500]
  const normal = normalFrom(random)
  const references = Array.from({ length: 20 }, () => {
    const before = Array.from({ length: n }, normal)
    const reference = createReference({ kind: 'numeric', values: before })
    return { reference, whole: isSketched(reference, before) }
  })
  let naive = 0
  let ours = 0
  const history: boolean[] = []
  for (let week = 0; week < weeks; week++) {
    const columns = references.map(({ reference, whole }, index) => {
      const now = isSketched(reference, Array.from({ length: m }, normal))
      return { column: `x${index}`, tests: sketchTests(whole, now), threshold: 0 }
    })
    naive += Number(columns.some(({ tests }) => tests.p < 0.05))
    history.unshift(decideDrift(columns, 0.1).some(({ drifted }) => drifted))
    ours += Number(fires(history, rule, false))
  }
  assert.ok(naive > weeks * 0.4, `naive ${naive}`)
  assert.ok(ours <= 1, `ours ${ours}`)
})

test('a real shift is found in each of these sizes', () => {
  const random = createRandom(8)
  const normal = normalFrom(random)
  for (const m of [300, 1_000]) {
    const before = Array.from({ length: 2_000 }, normal)
    const reference = createReference({ kind: 'numeric', values: before })
    const now = Array.from({ length: m }, () => 0.8 + normal())
    const tests = sketchTests(isSketched(reference, before), isSketched(reference, now))
    assert.equal(decideDrift([{ column: 'x', tests, threshold: 0 }], 0.2)[0]?.drifted, true)
  }
})

test('an alert needs k of n windows to fire and as many quiet ones to clear', () => {
  const twoOfThree: AlertRule = { signal: 'drift', severity: 'digest', of: 2, windows: 3 }
  assert.equal(fires([true], twoOfThree, false), false)
  assert.equal(fires([true, false, true], twoOfThree, false), true)
  assert.equal(fires([false, true, true], twoOfThree, false), false)
  assert.equal(fires([true, false, false, true], twoOfThree, false), false)
  assert.equal(fires([false, true], twoOfThree, true), true)
  assert.equal(fires([false, false, true], twoOfThree, true), false)
})

test('three verdicts, mostly noise, take a rule out of the night', () => {
  const page: AlertRule = { signal: 'bias', severity: 'page', of: 1, windows: 1 }
  assert.equal(isDemoted(page, { real: 0, noise: 2 }), false)
  assert.equal(isDemoted(page, { real: 1, noise: 2 }), true)
  assert.equal(isDemoted(page, { real: 2, noise: 2 }), false)
})
