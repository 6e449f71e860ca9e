import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalFrom } from './close-to.fixture.ts'
import { elementAt } from './element-at.ts'
import { auc } from './metrics.ts'
import { pairedBootstrap } from './paired-bootstrap.ts'
import { createRandom } from './random.ts'
import { mean, variance } from './summary.ts'

function meanOf(values: readonly number[]): (items: Int32Array) => number {
  return (items) => mean(Array.from(items, (item) => elementAt(values, item)))
}

test('for a mean the interval is about that of the normal distribution', () => {
  const values = Array.from({ length: 400 }, normalFrom(createRandom(1)))
  const { estimate, lower, upper } = pairedBootstrap({ n: 400, candidate: meanOf(values), resamples: 4_000 })
  const half = 1.96 * Math.sqrt(variance(values) / 400)
  assert.equal(estimate, mean(values))
  assert.ok(Math.abs((lower ?? 0) - (estimate - half)) < 0.08 * half)
  assert.ok(Math.abs((upper ?? 0) - (estimate + half)) < 0.08 * half)
})

test('candidate and baseline are drawn together: what they share cancels', () => {
  const noise = Array.from({ length: 200 }, normalFrom(createRandom(2)))
  const { estimate, lower, upper } = pairedBootstrap({
    n: 200,
    candidate: meanOf(noise.map((value) => value + 0.5)),
    baseline: meanOf(noise),
  })
  for (const value of [estimate, lower ?? 0, upper ?? 0]) assert.ok(Math.abs(value - 0.5) < 1e-12)
})

test('the same seed gives the same interval, another seed another', () => {
  const values = Array.from({ length: 50 }, createRandom(3))
  const run = (seed: number) => pairedBootstrap({ n: 50, candidate: meanOf(values), seed })
  assert.deepEqual(run(1), run(1))
  assert.notDeepEqual(run(1), run(2))
})

test('draws of one class leave the area under the curve undefined and are left out', () => {
  const labels = [1, 0, 0, 0, 0, 1]
  const scores = [0.9, 0.8, 0.3, 0.2, 0.1, 0.7]
  const area = (items: Int32Array) =>
    auc(
      Array.from(items, (item) => elementAt(labels, item)),
      Array.from(items, (item) => elementAt(scores, item)),
    )
  const { lower, upper } = pairedBootstrap({ n: 6, candidate: area })
  assert.ok(lower !== null && upper !== null && lower <= 0.875 && upper === 1)
})

test('a metric that is hardly ever defined, and no items, have no bounds', () => {
  const rare = (items: Int32Array) => (items[0] === 0 ? 1 : Number.NaN)
  assert.deepEqual(pairedBootstrap({ n: 10, candidate: rare }), { estimate: 1, lower: null, upper: null })
  assert.equal(pairedBootstrap({ n: 0, candidate: meanOf([]) }).lower, null)
})

test('with clusters the interval is as wide as that of one item for each', () => {
  const once = Array.from({ length: 60 }, normalFrom(createRandom(4)))
  const values = once.flatMap((value) => Array<number>(5).fill(value))
  const clusters = once.flatMap((_, index) => Array<string>(5).fill(`user-${index}`))
  const width = ({ lower, upper }: { lower: number | null; upper: number | null }) => (upper ?? 0) - (lower ?? 0)
  const alone = width(pairedBootstrap({ n: 60, candidate: meanOf(once) }))
  const clustered = width(pairedBootstrap({ n: 300, candidate: meanOf(values), clusters }))
  const naive = width(pairedBootstrap({ n: 300, candidate: meanOf(values) }))
  assert.ok(Math.abs(clustered / alone - 1) < 1e-9)
  assert.ok(naive < 0.6 * clustered)
  assert.throws(() => pairedBootstrap({ n: 4, candidate: meanOf(values), clusters: ['a'] }), RangeError)
})
