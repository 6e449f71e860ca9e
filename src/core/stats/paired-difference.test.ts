import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo, normalFrom } from './close-to.fixture.ts'
import { studentTQuantile } from './distributions.ts'
import { pairedNonInferiority, ratioNonInferiority } from './paired-difference.ts'
import { createRandom } from './random.ts'
import { mean, variance } from './summary.ts'

function drawn(n: number, shift: number, seed: number): number[] {
  const normal = normalFrom(createRandom(seed))
  return Array.from({ length: n }, () => normal() + shift)
}

test('a missing difference, no items and an impossible margin are errors, never a pass', () => {
  const good = drawn(99, 5, 1)
  assert.equal(pairedNonInferiority({ differences: [], margin: 1 }).verdict, 'error')
  assert.equal(pairedNonInferiority({ differences: [...good, Number.NaN], margin: 1 }).verdict, 'error')
  assert.equal(pairedNonInferiority({ differences: [...good, Number.POSITIVE_INFINITY], margin: 1 }).verdict, 'error')
  assert.equal(pairedNonInferiority({ differences: good, margin: Number.NaN }).verdict, 'error')
  assert.equal(pairedNonInferiority({ differences: good, margin: -1 }).verdict, 'error')
  assert.equal(pairedNonInferiority({ differences: good, margin: 1, clusters: ['a'] }).verdict, 'error')
})

test('fewer than ten items that differ cannot tell, however many items there are', () => {
  const nine = [...Array<number>(991).fill(0), ...Array<number>(9).fill(0.1)]
  const result = pairedNonInferiority({ differences: nine, margin: 1 })
  assert.deepEqual(
    { verdict: result.verdict, method: result.method, lower: result.lower, reason: result.reason },
    {
      verdict: 'cannot_tell',
      method: 'none',
      lower: null,
      reason: 'Only 9 of 1000 items differ; 10 are needed.',
    },
  )
  assert.equal(pairedNonInferiority({ differences: [...nine, 0.1], margin: 1 }).verdict, 'pass')
})

test("below 50 items the bounds are Student's t and marked weak, from 50 bootstrap-t", () => {
  const differences = drawn(49, 0, 2)
  const few = pairedNonInferiority({ differences, margin: 1 })
  const half = studentTQuantile(0.95, 48) * Math.sqrt(variance(differences) / 49)
  assert.deepEqual([few.method, few.weak, few.verdict], ['t', true, 'pass'])
  closeTo(few.lower ?? 0, mean(differences) - half)
  closeTo(few.upper ?? 0, mean(differences) + half)
  const many = pairedNonInferiority({ differences: [...differences, 0.3], margin: 1 })
  assert.deepEqual([many.method, many.weak], ['bootstrap-t', false])
})

test('the three verdicts follow from the bounds and the margin', () => {
  const differences = drawn(200, -0.5, 3)
  assert.equal(pairedNonInferiority({ differences, margin: 1 }).verdict, 'pass')
  assert.equal(pairedNonInferiority({ differences, margin: 0.5 }).verdict, 'cannot_tell')
  assert.equal(pairedNonInferiority({ differences, margin: 0.1 }).verdict, 'fail')
})

test('the same seed gives the same bounds; swapping the two sides mirrors the mean', () => {
  const differences = drawn(80, 0.1, 4)
  const input = { differences, margin: 0.2, seed: 9 }
  assert.deepEqual(pairedNonInferiority(input), pairedNonInferiority(input))
  const mirrored = pairedNonInferiority({ ...input, differences: differences.map((difference) => -difference) })
  closeTo(mirrored.mean, -pairedNonInferiority(input).mean, 1e-12)
})

test('bootstrap-t bounds scale with the unit of the metric', () => {
  const differences = drawn(60, 0.1, 5)
  const once = pairedNonInferiority({ differences, margin: 1 })
  const thousandfold = pairedNonInferiority({ differences: differences.map((d) => d * 1000), margin: 1000 })
  closeTo(thousandfold.lower ?? 0, 1000 * (once.lower ?? 0))
  closeTo(thousandfold.upper ?? 0, 1000 * (once.upper ?? 0))
})

test('a difference that is the same for every item has no spread, also with 50 items and more', () => {
  for (const n of [20, 60]) {
    const result = pairedNonInferiority({ differences: Array<number>(n).fill(-0.25), margin: 0.2 })
    assert.equal(result.verdict, 'fail')
    closeTo(result.lower ?? 0, -0.25)
  }
})

test('clusters of one item each change nothing', () => {
  for (const n of [30, 70]) {
    const differences = drawn(n, 0.1, 6)
    const clusters = differences.map((_, index) => `user-${index}`)
    assert.deepEqual(
      pairedNonInferiority({ differences, margin: 0.4, clusters }),
      pairedNonInferiority({ differences, margin: 0.4 }),
    )
  }
})

test('items repeated within a cluster add no certainty', () => {
  const once = drawn(60, 0, 7)
  const repeated = once.flatMap((difference) => Array<number>(10).fill(difference))
  const clusters = once.flatMap((_, index) => Array<string>(10).fill(`user-${index}`))
  const alone = pairedNonInferiority({ differences: once, margin: 1 })
  const clustered = pairedNonInferiority({ differences: repeated, margin: 1, clusters })
  const naive = pairedNonInferiority({ differences: repeated, margin: 1 })
  closeTo(clustered.lower ?? 0, alone.lower ?? 1, 1e-9)
  assert.ok((naive.lower ?? 0) - (clustered.lower ?? 0) > 0.1)
})

test('clusters of unequal size with the same difference everywhere have no spread', () => {
  const differences = Array<number>(45).fill(0.5)
  const clusters = differences.map((_, index) => `user-${Math.min(19, index)}`)
  const result = pairedNonInferiority({ differences, margin: 0, clusters })
  assert.equal(result.method, 't')
  closeTo(result.lower ?? 0, 0.5)
})

test('ten items that differ in fewer than ten clusters cannot tell', () => {
  const differences = drawn(100, 1, 8)
  const clusters = differences.map((_, index) => `user-${index % 9}`)
  const { verdict, reason } = pairedNonInferiority({ differences, margin: 1, clusters })
  assert.equal(verdict, 'cannot_tell')
  assert.equal(reason, 'Only 9 of 9 clusters differ; 10 are needed.')
})

test('at the margin itself about one in twenty passes, symmetric or with rare heavy losses', () => {
  const trials = 300
  const allowed = (rate: number) => rate + 3 * Math.sqrt((rate * (1 - rate)) / trials)
  const random = createRandom(3)
  const normal = normalFrom(random)
  const rate = (draw: () => number, margin: number) => {
    let passes = 0
    for (let trial = 0; trial < trials; trial++) {
      const differences = Array.from({ length: 60 }, draw)
      if (pairedNonInferiority({ differences, margin, seed: trial }).verdict === 'pass') passes += 1
    }
    return passes / trials
  }
  assert.ok(rate(() => normal() - 0.2, 0.2) <= allowed(0.05))
  // Three in ten items lose, by 1 on average with a long tail: the mean difference is -0.3.
  assert.ok(rate(() => (random() < 0.3 ? Math.log(1 - random()) : 0), 0.3) <= allowed(0.07))
})

test('more margin never turns a pass into anything else', () => {
  const numbers = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 12, maxLength: 40 })
  const margins = fc.tuple(fc.double({ min: 0, max: 2, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true }))
  fc.assert(
    fc.property(numbers, margins, (differences, [a, b]) => {
      const narrow = pairedNonInferiority({ differences, margin: Math.min(a, b) })
      const wide = pairedNonInferiority({ differences, margin: Math.max(a, b) })
      assert.ok(narrow.verdict !== 'pass' || wide.verdict === 'pass')
    }),
  )
})

test('a ratio is judged on the logarithms of its pairs', () => {
  const logs = drawn(100, 0, 9).map((value) => value / 10 + Math.log(1.05))
  const pairs = logs.map((log) => [20 * Math.exp(log), 20] as const)
  const result = ratioNonInferiority({ pairs, limit: 1.1 })
  const half = studentTQuantile(0.95, 99) * Math.sqrt(variance(logs) / 100)
  closeTo(result.upper ?? 0, Math.exp(mean(logs) + half))
  closeTo(result.ratio, Math.exp(mean(logs)))
  assert.equal(result.verdict, 'pass')
  assert.equal(ratioNonInferiority({ pairs, limit: result.ratio }).verdict, 'cannot_tell')
  assert.equal(ratioNonInferiority({ pairs, limit: 1 }).verdict, 'fail')
})

test('a ratio that cannot be formed is an error, and few pairs cannot tell', () => {
  const equal = Array.from({ length: 60 }, () => [3, 3] as const)
  assert.equal(ratioNonInferiority({ pairs: [...equal, [0, 3]], limit: 1.1 }).verdict, 'error')
  assert.equal(ratioNonInferiority({ pairs: [...equal, [3, 0]], limit: 1.1 }).verdict, 'error')
  assert.equal(ratioNonInferiority({ pairs: [...equal, [-3, -3]], limit: 1.1 }).verdict, 'error')
  assert.equal(ratioNonInferiority({ pairs: [...equal, [3, Number.NaN]], limit: 1.1 }).verdict, 'error')
  assert.equal(ratioNonInferiority({ pairs: equal, limit: Number.NaN }).verdict, 'error')
  assert.equal(ratioNonInferiority({ pairs: [], limit: 1.1 }).verdict, 'error')
  assert.equal(ratioNonInferiority({ pairs: equal.slice(0, 9), limit: 1.1 }).verdict, 'cannot_tell')
  assert.equal(ratioNonInferiority({ pairs: equal, limit: 1.1 }).verdict, 'pass')
})
