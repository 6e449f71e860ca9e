import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from './close-to.fixture.ts'
import { current, reference } from './drifting.fixture.ts'
import { kolmogorovSurvival, ksAsymptoticP, ksExactP, ksStatistic, ksTest } from './kolmogorov-smirnov.ts'
import { createRandom } from './random.ts'

test('the drifting samples have the published statistic and p-values', () => {
  closeTo(ksStatistic(reference, current), 0.145, 1e-12)
  closeTo(ksExactP(0.145, 500, 400), 0.00015547831819823)
  closeTo(ksAsymptoticP(0.145, 500, 400), 0.00015472424648659)
  closeTo(ksTest(reference, current).p, 0.00015547831819823)
})

test('the one-sample tail has the tabulated values', () => {
  // Computed by an independent library with more digits; the last number is the relative error allowed.
  const table: [number, number, number, number][] = [
    [0.3, 10, 0.27053557479999946, 1e-9],
    [0.1, 50, 0.6623112704658186, 1e-9],
    [0.145, 222, 0.00015472424648655945, 1e-9],
    [0.08, 222, 0.1104461755294612, 1e-9],
    [0.02, 300, 0.9995956727697175, 1e-9],
    [0.25, 200, 1.6840667400683394e-11, 1e-9],
    [0.055, 1000, 0.004533426321428921, 1e-9],
    [0.0594, 1000, 0.0016496620216990953, 1e-9],
    [0.015, 5000, 0.2084614216596722, 2e-5],
    [0.01, 20_000, 0.0363860390238906, 2e-5],
    [0.005, 100_000, 0.013430824977799608, 2e-5],
  ]
  for (const [d, n, expected, tolerance] of table) closeTo(kolmogorovSurvival(d, n), expected, tolerance)
  assert.equal(kolmogorovSurvival(0.001, 100), 1)
  assert.equal(kolmogorovSurvival(1, 100), 0)
})

test('the statistic is the largest distance over all values, ties included', () => {
  const values = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 25 })
  fc.assert(
    fc.property(values, values, (first, second) => {
      const share = (sample: number[], value: number) => sample.filter((other) => other <= value).length / sample.length
      const distances = [...first, ...second].map((value) => Math.abs(share(first, value) - share(second, value)))
      closeTo(ksStatistic(first, second), Math.max(...distances), 1e-12)
    }),
  )
})

test('the exact p-value is the share of all orderings that are at least as far apart', () => {
  const orderings = (n: number, m: number): (0 | 1)[][] =>
    n === 0 || m === 0
      ? [[...Array<0>(n).fill(0), ...Array<1>(m).fill(1)]]
      : [
          ...orderings(n - 1, m).map((rest): (0 | 1)[] => [0, ...rest]),
          ...orderings(n, m - 1).map((rest): (0 | 1)[] => [1, ...rest]),
        ]
  for (const [n, m] of [
    [4, 6],
    [5, 5],
    [1, 7],
  ] as const) {
    const statistics = orderings(n, m).map((sides) => {
      const side = (wanted: number) => sides.flatMap((found, position) => (found === wanted ? [position] : []))
      return ksStatistic(side(0), side(1))
    })
    for (const statistic of new Set(statistics)) {
      const share = statistics.filter((other) => other >= statistic - 1e-12).length / statistics.length
      closeTo(ksExactP(statistic, n, m), share, 1e-12)
    }
  }
})

test('samples without drift are called drifted about as often as the level says', () => {
  const random = createRandom(61)
  let drifted = 0
  for (let trial = 0; trial < 400; trial++) {
    const draw = (n: number) => Array.from({ length: n }, random)
    if (ksTest(draw(120), draw(80)).p <= 0.05) drifted += 1
  }
  assert.ok(drifted >= 6 && drifted <= 34, `${drifted} of 400`)
})

test('an empty sample has no statistic, a missing value is refused', () => {
  assert.ok(Number.isNaN(ksTest([], [1]).p))
  assert.throws(() => ksStatistic([Number.NaN], [1]), RangeError)
})
