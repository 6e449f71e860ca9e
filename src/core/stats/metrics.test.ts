import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from './close-to.fixture.ts'
import {
  accuracy,
  auc,
  bias,
  brier,
  calibrationError,
  f1,
  logLoss,
  mae,
  metricsOf,
  ndcg,
  precision,
  r2,
  recall,
  rmse,
} from './metrics.ts'
import { mean } from './summary.ts'

const { mape: relative, ...quantities } = metricsOf.regression
const metrics = { ...quantities, ...metricsOf.binary }

const labels = [1, 0, 1, 1, 0, 0, 1, 0, 0, 1]
const scores = [0.9, 0.2, 0.6, 0.4, 0.5, 0.1, 0.8, 0.7, 0.05, 0.6]
const targets = [3, -0.5, 2, 7, 4.2]
const predictions = [2.5, 0, 2, 8, 4]

// Expected values come from an independent library.
test('metrics of yes/no answers have the known values', () => {
  closeTo(auc(labels, scores), 0.84, 1e-14)
  closeTo(logLoss(labels, scores), 0.45433633926236394, 1e-14)
  closeTo(brier(labels, scores), 0.15225, 1e-14)
  closeTo(accuracy(labels, scores), 0.7, 1e-14)
  closeTo(precision(labels, scores), 2 / 3, 1e-14)
  closeTo(recall(labels, scores), 0.8, 1e-14)
  closeTo(f1(labels, scores), 8 / 11, 1e-14)
  closeTo(calibrationError(labels, scores), 0.325, 1e-13)
  closeTo(bias(labels, scores), -0.015, 1e-12)
})

test('metrics of quantities have the known values', () => {
  closeTo(mae(targets, predictions), 0.44, 1e-14)
  closeTo(rmse(targets, predictions), 0.5549774770204643, 1e-14)
  closeTo(r2(targets, predictions), 0.9496600418410042, 1e-14)
  closeTo(bias(targets, predictions), 0.16, 1e-13)
})

test('ranking gain has the known values, ties shared', () => {
  const relevances = [3, 2, 3, 0, 1, 2]
  const ranked = [0.5, 0.9, 0.5, 0.3, 0.3, 0.1]
  closeTo(ndcg(relevances, ranked), 0.9121933497577732, 1e-13)
  closeTo(ndcg(relevances, ranked, 3), 0.915150537737135, 1e-13)
  assert.equal(ndcg(relevances, relevances), 1)
  assert.equal(ndcg([0, 0], [0.1, 0.2]), 0)
})

test('area under the curve equals counting all pairs', () => {
  const scored = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 9 })), { minLength: 2, maxLength: 60 })
  fc.assert(
    fc.property(scored, (rows) => {
      const positives = rows.filter(([label]) => label)
      const negatives = rows.filter(([label]) => !label)
      fc.pre(positives.length > 0 && negatives.length > 0)
      const wins = positives.flatMap(([, p]) => negatives.map(([, q]) => (p > q ? 1 : p === q ? 0.5 : 0)))
      const found = auc(
        rows.map(([label]) => Number(label)),
        rows.map(([, score]) => score),
      )
      closeTo(found, mean(wins), 1e-12)
    }),
  )
})

test('a missing label or score makes every metric NaN, never better', () => {
  for (const [name, { value, perItem }] of Object.entries(metrics)) {
    assert.ok(Number.isNaN(value([...labels, Number.NaN], [...scores, 0.5])), `${name}: label`)
    assert.ok(Number.isNaN(value([...labels, 0], [...scores, Number.NaN])), `${name}: score`)
    assert.ok(Number.isNaN(value(labels, scores.slice(1))), `${name}: fewer scores`)
    if (!perItem) continue
    assert.ok(Number.isNaN(perItem(0, Number.NaN)), `${name}: score of one item`)
    assert.ok(Number.isNaN(perItem(Number.NaN, 0.4)), `${name}: label of one item`)
  }
  assert.ok(Number.isNaN(ndcg([1, 0], [0.5, Number.NaN])))
})

test('a metric that is a mean of parts is the mean of the parts it names', () => {
  for (const { value, perItem } of Object.values(metrics)) {
    if (!perItem) continue
    closeTo(
      mean(labels.map((label, index) => perItem(label, scores[index] ?? Number.NaN))),
      value(labels, scores),
      1e-12,
    )
  }
})

test('every metric prefers right answers to wrong ones in its direction', () => {
  const right = labels.map((label) => 0.1 + 0.8 * label)
  const wrong = labels.map((label) => 0.4 + 0.9 * (1 - label) - 0.3 * label)
  for (const [name, { direction, value }] of Object.entries(metrics)) {
    const inside = (numbers: number[]) => numbers.map((number) => Math.min(1, Math.max(0, number)))
    const [good, bad] = [value(labels, inside(right)), value(labels, inside(wrong))]
    if (direction === 'higher') assert.ok(good > bad, name)
    if (direction === 'lower') assert.ok(good < bad, name)
    if (direction === 'zero') assert.ok(Math.abs(good) < Math.abs(bad), name)
  }
})

test('metrics that need two classes, positives or spread are NaN without them', () => {
  assert.ok(Number.isNaN(auc([1, 1], [0.2, 0.3])))
  assert.ok(Number.isNaN(precision([1, 0], [0.2, 0.3])))
  assert.ok(Number.isNaN(recall([0, 0], [0.2, 0.9])))
  assert.ok(Number.isNaN(f1([0, 0], [0.2, 0.3])))
  assert.ok(Number.isNaN(r2([2, 2], [1, 3])))
  assert.ok(Number.isNaN(logLoss([], [])))
})

test('a sure wrong answer costs much but not everything', () => {
  closeTo(logLoss([1], [0]), -Math.log(1e-15), 1e-12)
  closeTo(logLoss([0], [1]), -Math.log(1e-15), 1e-3)
})

test('a relative error is the mean of the relative errors, and is not known where a label is nothing', () => {
  closeTo(relative?.value([2, -4], [3, -5]) ?? 0, (1 / 2 + 1 / 4) / 2, 1e-15)
  assert.ok(Number.isNaN(relative?.value([2, 0], [2, 1])))
})

test('a missing label or answer makes every metric of classes and of lists NaN', () => {
  for (const [name, { value, perItem }] of Object.entries({ ...metricsOf.multiclass, ...metricsOf.ranking })) {
    assert.ok(Number.isNaN(value([0, 1, Number.NaN], [0, 1, 1])), `${name}: label`)
    assert.ok(Number.isNaN(value([0, 1, 1], [0, 1, Number.NaN])), `${name}: answer`)
    assert.ok(Number.isNaN(value([0, 1, 1], [0, 1])), `${name}: fewer answers`)
    if (perItem) assert.ok(Number.isNaN(perItem(0, Number.NaN)) && Number.isNaN(perItem(Number.NaN, 0)), name)
  }
})

test('every metric says what it is', () => {
  for (const metrics of Object.values(metricsOf))
    for (const { says } of Object.values(metrics)) assert.ok(says.length > 10)
})
