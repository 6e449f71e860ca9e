import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { balancedAccuracy, f1Macro, f1Micro, f1Weighted, kappa } from './classification.ts'
import { closeTo } from './close-to.fixture.ts'
import { averagePrecision, reciprocalRank } from './ranking.ts'

const labels = [0, 0, 1, 1, 2, 2, 2, 3]
const answers = [0, 1, 1, 1, 2, 0, 2, 9]

// Expected values come from an independent library.
test('metrics of classes have the known values, also with a class that nobody labelled', () => {
  closeTo(f1Macro(labels, answers), (0.5 + 0.8 + 0.8 + 0 + 0) / 5, 1e-15)
  closeTo(f1Weighted(labels, answers), (2 * 0.5 + 2 * 0.8 + 3 * 0.8 + 0) / 8, 1e-15)
  closeTo(f1Micro(labels, answers), 5 / 8, 1e-15)
  closeTo(balancedAccuracy(labels, answers), (0.5 + 1 + 2 / 3 + 0) / 4, 1e-15)
})

test('agreement is one when both always agree, nothing when they agree by chance, and unknown with one class', () => {
  assert.equal(kappa([0, 1, 1, 0], [0, 1, 1, 0]), 1)
  assert.equal(kappa([0, 0, 1, 1], [0, 1, 0, 1]), 0)
  closeTo(kappa([1, 1, 0, 0, 1], [1, 0, 0, 0, 1]), (0.8 - 0.48) / (1 - 0.48), 1e-15)
  assert.ok(Number.isNaN(kappa([1, 1], [1, 1])))
})

test('ranks of relevant items count as defined, ties at the last rank', () => {
  closeTo(averagePrecision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6]), (1 + 2 / 3) / 2, 1e-15)
  closeTo(averagePrecision([1, 0], [0.5, 0.5]), 1 / 2, 1e-15)
  assert.equal(reciprocalRank([0, 0, 3], [0.9, 0.8, 0.7]), 1 / 3)
  assert.equal(reciprocalRank([1, 0, 0], [0.5, 0.5, 0.5]), 1 / 3)
  assert.equal(averagePrecision([0, 0], [0.5, 0.4]), 0)
})

test('counting class by class gives the same', () => {
  const pair = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }))
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1, maxLength: 40 }), (rows) => {
      const [truth, given] = [rows.map(([label]) => label), rows.map(([, answer]) => answer)]
      const f1 = [...new Set([...truth, ...given])].map((name) => {
        const hits = rows.filter(([label, answer]) => label === name && answer === name).length
        const wrong = rows.filter(([label, answer]) => (label === name) !== (answer === name)).length
        return (2 * hits) / (2 * hits + wrong)
      })
      closeTo(f1Macro(truth, given), f1.reduce((total, value) => total + value, 0) / f1.length, 1e-12)
      closeTo(f1Micro(truth, given), rows.filter(([label, answer]) => label === answer).length / rows.length, 1e-12)
    }),
  )
})
