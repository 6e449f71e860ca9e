import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo, normalFrom } from './close-to.fixture.ts'
import { oneSidedHalfWidth, sequentialP, twoSidedHalfWidth } from './confidence-sequence.ts'
import { createRandom } from './random.ts'

test('the one-sided half width has the published fixture', () => {
  closeTo(oneSidedHalfWidth({ n: 4_000, standardError: 0.004, alpha: 0.05 }), 0.011148626848874)
})

test('up to the planned size one side is narrower than two, and both are wider than a single look allows', () => {
  fc.assert(
    fc.property(fc.integer({ min: 500, max: 5_000 }), (n) => {
      const input = { n, standardError: 1 }
      assert.ok(oneSidedHalfWidth(input) > 1.6449)
      assert.ok(twoSidedHalfWidth(input) > 1.96)
      assert.ok(oneSidedHalfWidth(input) < twoSidedHalfWidth(input))
    }),
  )
})

test('the sequential p-value is below alpha just when the two-sided sequence excludes zero', () => {
  const difference = fc.double({ min: -0.5, max: 0.5, noNaN: true })
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 100_000 }), difference, (n, difference) => {
      const standardError = 1 / Math.sqrt(n)
      const distance = Math.abs(difference) - twoSidedHalfWidth({ n, standardError })
      fc.pre(Math.abs(distance) > 1e-9)
      assert.equal(sequentialP({ n, standardError, difference }) < 0.05, distance > 0)
    }),
  )
})

test('looking again and again, a true difference of zero is excluded at most one in twenty times', () => {
  const normal = normalFrom(createRandom(41))
  let excluded = 0
  for (let experiment = 0; experiment < 300; experiment++) {
    let total = 0
    for (let n = 1; n <= 2_000; n++) {
      total += normal()
      if (n < 50 || n % 10 > 0) continue
      if (Math.abs(total / n) <= twoSidedHalfWidth({ n, standardError: 1 / Math.sqrt(n), planned: 1_000 })) continue
      excluded += 1
      break
    }
  }
  assert.ok(excluded / 300 <= 0.05 + 3 * Math.sqrt((0.05 * 0.95) / 300), `${excluded} of 300`)
})
