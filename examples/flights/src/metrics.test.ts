import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { auc, logLoss } from './metrics.ts'

test('AUC is the share of pairs in the right order, ties counting half', () => {
  const example = fc.record({ label: fc.constantFrom(0, 1), score: fc.integer({ min: 0, max: 9 }) })
  fc.assert(
    fc.property(fc.array(example, { minLength: 1, maxLength: 40 }), (examples) => {
      const positives = examples.filter(({ label }) => label === 1)
      const negatives = examples.filter(({ label }) => label === 0)
      const wins = positives.flatMap((p) =>
        negatives.map((n) => (p.score > n.score ? 1 : p.score === n.score ? 0.5 : 0)),
      )
      const share = wins.reduce((sum: number, win) => sum + win, 0) / wins.length
      const found = auc(
        examples.map(({ label }) => label),
        examples.map(({ score }) => score),
      )
      assert.ok(Number.isNaN(share) ? Number.isNaN(found) : Math.abs(found - share) < 1e-12)
    }),
  )
})

test('log loss is the mean of -ln of the probability of what happened, and finite when that was 0', () => {
  assert.ok(Math.abs(logLoss([1, 0], [0.5, 0.75]) - (Math.LN2 + Math.log(4)) / 2) < 1e-15)
  assert.ok(Math.abs(logLoss([1], [0]) - 15 * Math.LN10) < 1e-9)
  assert.ok(Number.isNaN(logLoss([1, 0], [0.5])))
})
