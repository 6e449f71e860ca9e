import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from './close-to.fixture.ts'
import { benjaminiHochberg, holm } from './multiple-testing.ts'

const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 })

test('Holm adjusts in steps and keeps the order', () => {
  const adjusted = holm([0.01, 0.04, 0.03])
  for (const [index, expected] of [0.03, 0.06, 0.06].entries()) closeTo(adjusted[index] ?? 0, expected)
  assert.deepEqual(holm([]), [])
})

test('Holm rejects what closed testing with Bonferroni rejects', () => {
  fc.assert(
    fc.property(pValues, fc.double({ min: 0.01, max: 0.5, noNaN: true }), (ps, alpha) => {
      const subsets = Array.from({ length: 2 ** ps.length }, (_, bits) => ps.filter((_, index) => bits & (1 << index)))
      const adjusted = holm(ps)
      for (const [index, p] of ps.entries()) {
        const others = subsets.filter((subset) => subset.includes(p))
        const worst = Math.max(...others.map((subset) => Math.min(1, subset.length * Math.min(...subset))))
        closeTo(adjusted[index] ?? 0, worst, 1e-12)
        assert.equal((adjusted[index] ?? 0) <= alpha, worst <= alpha)
      }
    }),
    { numRuns: 40 },
  )
})

test('Benjamini-Hochberg rejects up to the last p-value below its line, also those above theirs', () => {
  assert.deepEqual(benjaminiHochberg([0.039, 0.001, 0.5, 0.038, 0.03], 0.05), [true, true, false, true, true])
  assert.deepEqual(benjaminiHochberg([0.06, 0.2], 0.05), [false, false])
  assert.deepEqual(benjaminiHochberg([], 0.05), [])
})

test('Benjamini-Hochberg rejects at least what Holm rejects, and nothing smaller is left', () => {
  fc.assert(
    fc.property(pValues, (ps) => {
      const rejected = benjaminiHochberg(ps, 0.1)
      for (const [index, adjusted] of holm(ps).entries()) assert.ok(adjusted > 0.1 || rejected[index])
      const largest = Math.max(-1, ...ps.filter((_, index) => rejected[index]))
      assert.ok(ps.every((p, index) => rejected[index] || p > largest))
    }),
  )
})

test('a p-value that is none is refused', () => {
  assert.throws(() => holm([0.1, Number.NaN]), RangeError)
  assert.throws(() => benjaminiHochberg([0.1, 1.2], 0.05), RangeError)
})
