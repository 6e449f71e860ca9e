import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Calibration, chanceOf, estimatePerformance, fitCalibration, isotonic } from './cbpe.ts'
import { closeTo } from './close-to.fixture.ts'
import { elementAt } from './element-at.ts'
import { accuracy, auc, f1, precision, recall } from './metrics.ts'
import { createRandom } from './random.ts'

const asIs: Calibration = { kind: 'none' }

/** Scores whose true chance of a positive is `chance(score)`. */
function drawn(n: number, seed: number, chance: (score: number) => number, skew = 1) {
  const random = createRandom(seed)
  const scores = Array.from({ length: n }, () => random() ** skew)
  return { scores, labels: scores.map((score) => Number(random() < chance(score))) }
}

test('isotonic calibration has the values of an independent library, between and beyond its points', () => {
  const calibration = isotonic({
    scores: [0.1, 0.2, 0.2, 0.35, 0.4, 0.55, 0.6, 0.6, 0.8, 0.9],
    labels: [0, 1, 0, 0, 1, 0, 1, 1, 0, 1],
  })
  const expected: [number, number][] = [
    [0.05, 0],
    [0.1, 0],
    [0.2, 1 / 3],
    [0.3, 1 / 3],
    [0.37, 0.4],
    [0.4, 0.5],
    [0.5, 0.5],
    [0.57, 17 / 30],
    [0.6, 2 / 3],
    [0.7, 2 / 3],
    [0.85, 5 / 6],
    [0.95, 1],
  ]
  for (const [score, chance] of expected) closeTo(chanceOf(calibration, score), chance, 1e-12)
})

test('isotonic calibration rises, keeps the mean, and no other rising function of the scores is closer', () => {
  const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.constantFrom(0, 1)), {
    minLength: 1,
    maxLength: 25,
  })
  const others = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 10, maxLength: 10 })
  fc.assert(
    fc.property(rows, others, (pairs, steps) => {
      const [scores, labels] = [pairs.map(([score]) => score / 10), pairs.map(([, label]) => label)]
      const calibration = isotonic({ scores, labels })
      const chances = scores.map((score) => chanceOf(calibration, score))
      const total = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)
      assert.ok(Math.abs(total(chances) - total(labels)) < 1e-9)
      const rising = steps.toSorted((a, b) => a - b)
      const distance = (values: number[]) => total(values.map((value, item) => (value - elementAt(labels, item)) ** 2))
      assert.ok(distance(chances) <= distance(pairs.map(([score]) => elementAt(rising, score))) + 1e-9)
      assert.ok(scores.every((a, i) => scores.every((b, j) => a > b || elementAt(chances, i) <= elementAt(chances, j))))
    }),
  )
})

test('scores that are chances already are left alone, distorted ones are calibrated', () => {
  assert.equal(fitCalibration(drawn(3_000, 1, (score) => score)).kind, 'none')
  const distorted = fitCalibration(drawn(3_000, 2, (score) => score ** 3))
  assert.equal(distorted.kind, 'isotonic')
  for (const score of [0.3, 0.5, 0.7, 0.9]) assert.ok(Math.abs(chanceOf(distorted, score) - score ** 3) < 0.08)
})

test('a calibration survives being stored as JSON; missing labels are refused', () => {
  const calibration = fitCalibration(drawn(900, 3, (score) => score ** 3))
  assert.deepEqual(JSON.parse(JSON.stringify(calibration)), calibration)
  assert.throws(() => fitCalibration({ scores: [0.1, 0.2], labels: [1] }), RangeError)
  assert.throws(() => fitCalibration({ scores: [0.1], labels: [Number.NaN] }), RangeError)
})

test('the estimate is the expectation over all labels that the chances allow', () => {
  const scores = [0.9, 0.6, 0.6, 0.3]
  const { accuracy: estimated } = estimatePerformance({ scores, calibration: asIs })
  let expected = 0
  for (let bits = 0; bits < 16; bits++) {
    const labels = scores.map((_, item) => (bits >> item) & 1)
    const chance = scores.reduce((all, score, item) => all * (labels[item] === 1 ? score : 1 - score), 1)
    expected += chance * accuracy(labels, scores)
  }
  closeTo(estimated, expected, 1e-12)
})

test('with chances of nought and one the estimates are the metrics themselves', () => {
  const scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
  const labels = [0, 0, 1, 0, 1, 0, 1, 1]
  // A calibration that knows the labels; it need not rise to be looked up.
  const known: Calibration = { kind: 'isotonic', scores, chances: labels }
  const estimate = estimatePerformance({ scores, calibration: known })
  closeTo(estimate.accuracy, accuracy(labels, scores), 1e-12)
  closeTo(estimate.precision, precision(labels, scores), 1e-12)
  closeTo(estimate.recall, recall(labels, scores), 1e-12)
  closeTo(estimate.f1, f1(labels, scores), 1e-12)
  closeTo(estimate.auc, auc(labels, scores), 1e-12)
})

test('when only the inputs drift, the estimates follow the performance that labels show later', () => {
  const chance = (score: number) => score ** 2
  const calibration = fitCalibration(drawn(6_000, 4, chance))
  const { scores, labels } = drawn(20_000, 5, chance, 2)
  const estimate = estimatePerformance({ scores, calibration })
  assert.ok(Math.abs(estimate.accuracy - accuracy(labels, scores)) < 0.015)
  assert.ok(Math.abs(estimate.f1 - f1(labels, scores)) < 0.02)
  assert.ok(Math.abs(estimate.auc - auc(labels, scores)) < 0.015)
})

test('a missing score makes every estimate unknown; equal scores tell nothing apart', () => {
  const { accuracy, precision, auc } = estimatePerformance({ scores: [0.9, Number.NaN], calibration: asIs })
  assert.deepEqual([accuracy, precision, auc], [Number.NaN, Number.NaN, Number.NaN])
  closeTo(estimatePerformance({ scores: [0.4, 0.4, 0.4], calibration: asIs }).auc, 0.5, 1e-12)
})
