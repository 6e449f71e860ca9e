import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from './close-to.fixture.ts'
import { binomialDensity } from './distributions.ts'
import { proportionInterval, quantileInterval, wilsonInterval } from './intervals.ts'

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, index) => n - index)
}

/** Chance that between `from` and `to` of n values are below the p-quantile. */
function between(from: number, to: number, n: number, p: number): number {
  let total = 0
  for (let k = from; k <= to; k++) total += binomialDensity(k, n, p)
  return total
}

test('the 95th percentile of 300 values lies between the 277th and the 293rd', () => {
  assert.deepEqual(quantileInterval(upTo(300), 0.95), { value: 285, lower: 277, upper: 293 })
})

test('a 95th percentile has no upper bound at 95 % below 59 values', () => {
  assert.equal(quantileInterval(upTo(58), 0.95, 0.1).upper, null)
  assert.equal(quantileInterval(upTo(59), 0.95, 0.1).upper, 59)
})

test('the interval covers at least its level, and one rank less on either side would not', () => {
  const size = fc.integer({ min: 20, max: 400 })
  const quantile = fc.constantFrom(0.1, 0.5, 0.9, 0.95, 0.99)
  fc.assert(
    fc.property(size, quantile, (n, p) => {
      const { lower, upper } = quantileInterval(upTo(n), p)
      const [low, high] = [lower ?? 0, upper ?? n + 1]
      assert.ok(between(0, low - 1, n, p) <= 0.025 && between(high, n, n, p) <= 0.025)
      assert.ok(between(0, low, n, p) > 0.025 && between(high - 1, n, n, p) > 0.025)
    }),
  )
})

test('missing values have no quantile', () => {
  assert.throws(() => quantileInterval([1, Number.NaN], 0.5), RangeError)
  assert.ok(Number.isNaN(quantileInterval([], 0.5).value))
})

test('none of 300 failing bounds the rate by about three in 300', () => {
  closeTo(proportionInterval(0, 300, 0.1).upper, 1 - 0.05 ** (1 / 300), 1e-12)
  assert.equal(proportionInterval(0, 300).lower, 0)
  assert.equal(proportionInterval(300, 300).upper, 1)
})

test('at an exact bound the observed count is just as unlikely as alpha allows', () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(40), (successes, failures) => {
      const n = successes + failures
      fc.pre(n > 0)
      const { lower, upper } = proportionInterval(successes, n)
      if (successes > 0) closeTo(between(successes, n, n, lower), 0.025, 1e-8)
      if (failures > 0) closeTo(between(0, successes, n, upper), 0.025, 1e-8)
    }),
  )
})

test('at a Wilson bound the observed rate is z standard errors away', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (successes, failures) => {
      const n = successes + failures
      const { lower, upper } = wilsonInterval(successes, n)
      for (const bound of [lower, upper]) {
        const distance = Math.abs(successes / n - bound) / Math.sqrt((bound * (1 - bound)) / n)
        closeTo(distance, 1.959963984540054, 1e-9)
      }
    }),
  )
  assert.deepEqual(wilsonInterval(0, 0), { lower: 0, upper: 1 })
})
