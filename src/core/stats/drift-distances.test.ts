import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from './close-to.fixture.ts'
import {
  chiSquareContingency,
  chiSquareGoodness,
  energyDistance,
  hellinger,
  jensenShannon,
  klDivergence,
  psi,
  psiCritical,
  twoProportionZ,
  wassersteinNormed,
} from './drift-distances.ts'
import { current, reference } from './drifting.fixture.ts'
import { doaneHistograms, sturgesHistograms } from './histogram-bins.ts'
import { createRandom } from './random.ts'
import { mean } from './summary.ts'

const binned = sturgesHistograms(reference, current)

test('the distances of the drifting samples are the published ones', () => {
  closeTo(psi(binned.reference, binned.current), 0.193944968942874)
  closeTo(klDivergence(binned.reference, binned.current), 0.069361307705843)
  closeTo(jensenShannon(binned.reference, binned.current), 0.137625780623698)
  closeTo(wassersteinNormed(reference, current), 0.327754792014669)
  closeTo(energyDistance(reference, current), 0.304851770586547)
})

test('with bins of the reference alone and base 2 the distances are the published ones', () => {
  const doane = doaneHistograms(reference, current)
  closeTo(jensenShannon(doane.reference, doane.current, 2), 0.176203919566834)
  closeTo(hellinger(doane.reference, doane.current), 0.160652759500277)
})

test('the distances of categories are the published ones, also with a new category', () => {
  const before = [250, 150, 90, 10]
  const shifted = [180, 120, 80, 20]
  closeTo(psi(before, shifted), 0.034863958052273)
  closeTo(jensenShannon(before, shifted), 0.065132127668455)
  closeTo(chiSquareGoodness(before, shifted).statistic, 20.8888888888889)
  closeTo(chiSquareGoodness(before, shifted).p, 0.000111020308904378)
  closeTo(chiSquareContingency(before, shifted).statistic, 7.633378932968537)
  assert.equal(chiSquareContingency(before, shifted).p.toFixed(4), '0.0542')
  const [known, fresh] = [
    [...before, 0],
    [180, 120, 80, 16, 4],
  ]
  closeTo(psi(known, fresh), 0.066829364548529)
  closeTo(klDivergence(known, fresh), 0.019289970383835)
  closeTo(jensenShannon(known, fresh), 0.078014130811408)
  assert.equal(chiSquareGoodness(known, fresh).p, 0)
})

test('two proportions have the published z', () => {
  const { z, p } = twoProportionZ({ count: 200, n: 500 }, { count: 130, n: 400 })
  closeTo(z, 2.320080843336548)
  closeTo(p, 0.020336504430311)
  assert.deepEqual(twoProportionZ({ count: 0, n: 5 }, { count: 0, n: 7 }), { z: 0, p: 1 })
})

test('alike histograms have no distance, histograms without overlap the largest', () => {
  const counts = [5, 0, 20, 7]
  for (const distance of [psi, klDivergence, jensenShannon, hellinger]) assert.ok(distance(counts, counts) < 1e-7)
  closeTo(jensenShannon([5, 0], [0, 3]), Math.sqrt(Math.log(2)))
  closeTo(jensenShannon([5, 0], [0, 3], 2), 1)
  assert.equal(hellinger([5, 0], [0, 3]), 1)
})

test('histograms of different lengths are refused, empty ones have no distance', () => {
  assert.throws(() => psi([1, 2], [1, 2, 3]), RangeError)
  assert.ok(Number.isNaN(psi([0, 0], [1, 2])))
  assert.ok(Number.isNaN(wassersteinNormed([], [1])))
})

test('distances of histograms do not depend on sample size, symmetric ones not on the side', () => {
  const counts = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 })), { minLength: 2 })
  fc.assert(
    fc.property(counts, (cells) => {
      const [p, q] = [cells.map(([a]) => a), cells.map(([, b]) => b)]
      const tenfold = p.map((count) => 10 * count)
      for (const distance of [psi, jensenShannon, hellinger]) {
        assert.ok(Math.abs(distance(p, q) - distance(q, p)) < 1e-7)
        assert.ok(Math.abs(distance(tenfold, q) - distance(p, q)) < 1e-7)
      }
    }),
  )
})

test('the area between distribution functions of equally large samples is the mean distance of sorted values', () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 })), { minLength: 2 })
  fc.assert(
    fc.property(pairs, (rows) => {
      const [first, second] = [rows.map(([a]) => a), rows.map(([, b]) => b)]
      const sorted = (values: number[]) => values.toSorted((a, b) => a - b)
      const moved = mean(sorted(first).map((value, index) => Math.abs(value - (sorted(second)[index] ?? 0))))
      const spread = Math.sqrt(mean(first.map((value) => (value - mean(first)) ** 2)))
      assert.ok(Math.abs(wassersteinNormed(first, second) - moved / Math.max(spread, 0.001)) < 1e-6)
    }),
  )
})

test('the critical index for the sample size has the published values', () => {
  const critical = (n: number, m: number) => Number(psiCritical({ bins: 12, n, m }).toFixed(3))
  assert.deepEqual([critical(100, 1_000), critical(300, 1_000), critical(1_000, 1_000)], [0.216, 0.085, 0.039])
})

test('samples without drift exceed the critical index about once in twenty times', () => {
  const random = createRandom(51)
  let exceeded = 0
  for (let trial = 0; trial < 400; trial++) {
    const histogram = (n: number) => {
      const counts = new Array<number>(12).fill(0)
      for (let draw = 0; draw < n; draw++) {
        const bin = Math.floor(random() * 12)
        counts[bin] = (counts[bin] ?? 0) + 1
      }
      return counts
    }
    if (psi(histogram(1_000), histogram(300)) > psiCritical({ bins: 12, n: 1_000, m: 300 })) exceeded += 1
  }
  assert.ok(exceeded >= 5 && exceeded <= 36, `${exceeded} of 400`)
})
