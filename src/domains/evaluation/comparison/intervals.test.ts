import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../../../core/stats/random.ts'
import { intervalOf, pairedDifference as pairedOfMany, smallestMeanMargin } from './intervals.ts'
import { findMetric as find, metricsFor, type Task } from './tasks.ts'
import type { Metric } from './units.ts'

const findMetric = (task: Task, name: string) => find({ task, scorers: [] }, name)
const metricNames = (task: Task) => metricsFor({ task, scorers: [] }).map(({ name }) => name)

type Once = { labels: number[]; candidate: number[]; baseline: number[] }

function pairedDifference(metric: Metric, { labels, candidate, baseline }: Once, margin: number, seed: number) {
  return pairedOfMany(metric, { labels, candidate: [candidate], baseline: [baseline] }, margin, seed)
}

function metric(task: Task, name: string): Metric {
  const found = findMetric(task, name)
  assert.ok(found, name)
  return found
}

function near(found: number | null, wanted: number): void {
  assert.ok(Math.abs((found ?? Number.NaN) - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)), `${found}, not ${wanted}`)
}

/** Answers to `n` positive items of which the first ones differ: right only here, or right only there. */
function answers(n: number, candidateOnly: number, baselineOnly: number) {
  const labels = Array.from({ length: n }, () => 1)
  const candidate = labels.map((_, index) =>
    index >= candidateOnly && index < candidateOnly + baselineOnly ? 0.1 : 0.9,
  )
  const baseline = labels.map((_, index) => (index < candidateOnly ? 0.1 : 0.9))
  return { labels, candidate, baseline }
}

test('right or wrong answers are judged by Tango’s score, with its published bounds', () => {
  const paired = pairedDifference(metric('binary', 'accuracy'), answers(200, 6, 9), 0.05, 1)
  assert.deepEqual([paired.method, paired.verdict], ['Tango score', 'pass'])
  near(paired.value, -3 / 200)
  assert.ok(Math.abs((paired.lower ?? 0) + 0.0499043785) < 1e-9)
  assert.equal(pairedDifference(metric('binary', 'accuracy'), answers(60, 3, 5), 0.1, 1).verdict, 'cannot_tell')
  assert.equal(pairedDifference(metric('binary', 'accuracy'), answers(200, 0, 60), 0.05, 1).verdict, 'fail')
})

test('the share of right answers has its exact interval, never a width of zero', () => {
  const { labels, candidate } = answers(300, 0, 0)
  const { value, lower, upper } = intervalOf(metric('binary', 'accuracy'), { labels, outputs: [candidate] }, 1)
  assert.deepEqual([value, upper], [1, 1])
  near(lower, 0.025 ** (1 / 300))
})

test('a metric that is not a mean is compared by resampling items in pairs', () => {
  const random = createRandom(7)
  const chances = Array.from({ length: 400 }, () => random())
  const labels = chances.map((chance) => Number(random() < chance))
  const worse = chances.map((chance) => (random() < 0.7 ? random() : chance))
  const auc = metric('binary', 'auc')
  const paired = pairedDifference(auc, { labels, candidate: chances, baseline: worse }, 0.01, 1)
  assert.deepEqual([paired.method, paired.verdict], ['paired bootstrap', 'pass'])
  near(paired.value, auc.value(labels, chances) - auc.value(labels, worse))
  const reverse = pairedDifference(auc, { labels, candidate: worse, baseline: chances }, 0.01, 1)
  assert.equal(reverse.verdict, 'fail')
  assert.ok((reverse.harm ?? 1) < 0.001 && (paired.harm ?? 0) > 0.999)
})

test('a metric that is not defined on the items cannot tell', () => {
  const { labels, candidate, baseline } = answers(100, 20, 20)
  const paired = pairedDifference(metric('binary', 'auc'), { labels, candidate, baseline }, 0.5, 1)
  assert.deepEqual([paired.verdict, paired.value, paired.harm], ['cannot_tell', null, null])
})

test('errors of a regression are compared with the sign that makes better positive', () => {
  const random = createRandom(3)
  const labels = Array.from({ length: 200 }, () => 10 * random())
  const close = labels.map((label) => label + random() - 0.5)
  const far = labels.map((label) => label + 4 * (random() - 0.5))
  for (const name of ['mae', 'rmse']) {
    assert.equal(
      pairedDifference(metric('regression', name), { labels, candidate: close, baseline: far }, 0.1, 1).verdict,
      'pass',
    )
    assert.equal(
      pairedDifference(metric('regression', name), { labels, candidate: far, baseline: close }, 0.1, 1).verdict,
      'fail',
    )
  }
  assert.ok(['bias', 'mae', 'rmse'].every((name) => metricNames('regression').includes(name)))
  assert.ok(!metricNames('regression').includes('auc'))
  assert.equal(findMetric('regression', 'auc'), undefined)
  assert.equal(findMetric('binary', 'toString'), undefined)
})

test('answers that differ on few items cannot tell, whatever the bound would be', () => {
  const labels = Array.from({ length: 100 }, () => 0)
  const baseline = labels.map(() => 0.2)
  const candidate = baseline.map((value, index) => (index < 5 ? 0.21 : value))
  const paired = pairedDifference(metric('binary', 'log_loss'), { labels, candidate, baseline }, 0.01, 1)
  assert.equal(paired.verdict, 'cannot_tell')
  assert.match(paired.note, /only 5 of 100 items differ/)
  const alike = pairedDifference(metric('binary', 'log_loss'), { labels, candidate: baseline, baseline }, 0.01, 1)
  assert.deepEqual([alike.verdict, alike.note], ['cannot_tell', 'both answer every item alike'])
})

test('a difference that is the same everywhere needs no resampling', () => {
  const labels = Array.from({ length: 100 }, () => 0)
  const [low, high] = [labels.map(() => 1), labels.map(() => 2)]
  const mae = metric('regression', 'mae')
  assert.equal(pairedDifference(mae, { labels, candidate: low, baseline: high }, 0.1, 1).verdict, 'pass')
  assert.equal(pairedDifference(mae, { labels, candidate: high, baseline: low }, 0.1, 1).verdict, 'fail')
})

test('the smallest provable margin shrinks with the root of the number of items', () => {
  const { margin, powered } = smallestMeanMargin({ standardError: 0.02, measuredOn: 400, items: 1600 })
  near(margin, 1.6448536269514722 * 0.01)
  near(powered, (1.6448536269514722 + 0.8416212335729143) * 0.01)
})
