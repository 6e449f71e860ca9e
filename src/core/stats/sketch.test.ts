import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo, normalFrom } from './close-to.fixture.ts'
import { psi } from './drift-distances.ts'
import { createRandom } from './random.ts'
import {
  addToSketch,
  createReference,
  createSketch,
  mergeSketches,
  type Sketch,
  type SketchReference,
  sketchDrift,
  sketchSummary,
} from './sketch.ts'
import { mean, variance } from './summary.ts'

function sketchOf(reference: SketchReference, values: readonly unknown[]): Sketch {
  const sketch = createSketch(reference)
  for (const value of values) addToSketch(sketch, value)
  return sketch
}

function normals(n: number, seed: number, shift = 0): number[] {
  const normal = normalFrom(createRandom(seed))
  return Array.from({ length: n }, () => normal() + shift)
}

test('numbers of the reference fall evenly into twenty bins, none under, over or unusable', () => {
  const reference = createReference({ kind: 'numeric', values: normals(1_000, 1) })
  assert.deepEqual(reference.counts, [0, ...Array<number>(20).fill(50), 0, 0])
})

test('values below, above and unusable are counted apart', () => {
  const reference = createReference({ kind: 'numeric', values: normals(1_000, 1) })
  const { counts } = sketchOf(reference, [-99, 99, 98, null, undefined, Number.NaN, 'many', Number.POSITIVE_INFINITY])
  assert.deepEqual([counts[0], counts.at(-2), counts.at(-1)], [1, 2, 5])
})

test('a number with few values has a bin for each of them, yes and no included', () => {
  const reference = createReference({ kind: 'numeric', values: [3, 1, 1, 7, 3, 1] })
  assert.deepEqual(reference, { kind: 'numeric', lowerBounds: [1, 3, 7], highest: 7, counts: [0, 3, 2, 1, 0, 0] })
  const flags = createReference({ kind: 'numeric', values: [true, false, false] })
  assert.deepEqual(flags.counts, [0, 2, 1, 0, 0])
})

test('the most frequent categories are told apart, others and missing counted', () => {
  const values = ['b', 'a', 'b', 'c', 'c', 'd', null]
  const reference = createReference({ kind: 'categorical', values, bins: 2 })
  assert.deepEqual(reference, { kind: 'categorical', categories: ['b', 'c'], counts: [2, 2, 2, 1] })
  assert.deepEqual(sketchOf(reference, ['c', 'new', '__proto__', undefined]).counts, [0, 1, 2, 1])
})

test('every value is counted in exactly one bin, the one whose bounds hold it', () => {
  const numbers = fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(numbers, numbers, (before, after) => {
      const reference = createReference({ kind: 'numeric', values: before, bins: 8 })
      assert.ok(reference.kind === 'numeric')
      const { lowerBounds, highest } = reference
      const slow = lowerBounds.map(
        (from, bin) =>
          after.filter((value) => value >= from && value < (lowerBounds[bin + 1] ?? Infinity) && value <= highest)
            .length,
      )
      const under = after.filter((value) => value < (lowerBounds[0] ?? 0)).length
      const over = after.filter((value) => value > highest).length
      assert.deepEqual(sketchOf(reference, after).counts, [under, ...slow, over, 0])
    }),
  )
})

test('merging two windows is the same as one window of both', () => {
  const numbers = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { maxLength: 40 })
  const reference = createReference({ kind: 'numeric', values: normals(200, 2) })
  fc.assert(
    fc.property(numbers, numbers, (first, second) => {
      const merged = mergeSketches(sketchOf(reference, first), sketchOf(structuredClone(reference), second))
      const whole = sketchOf(reference, [...first, ...second])
      assert.deepEqual(merged.counts, whole.counts)
      assert.deepEqual(merged.numbers?.quantiles, whole.numbers?.quantiles)
      const [one, other] = [sketchSummary(merged), sketchSummary(whole)]
      assert.deepEqual([one.lowest, one.highest, one.count], [other.lowest, other.highest, other.count])
      assert.ok(Math.abs((one.mean ?? 0) - (other.mean ?? 0)) < 1e-9)
      assert.ok(Math.abs((one.deviation ?? 0) - (other.deviation ?? 0)) < 1e-7)
    }),
  )
})

test('sketches against different references are not merged', () => {
  const one = createSketch(createReference({ kind: 'numeric', values: [1, 2] }))
  const other = createSketch(createReference({ kind: 'numeric', values: [1, 3] }))
  assert.throws(() => mergeSketches(one, other), RangeError)
})

test('a sketch survives being stored as JSON and goes on counting', () => {
  const sketch = sketchOf(createReference({ kind: 'numeric', values: normals(300, 3) }), [0.5, null, -2])
  const restored: Sketch = JSON.parse(JSON.stringify(sketch))
  addToSketch(restored, 1.25)
  addToSketch(sketch, 1.25)
  assert.deepEqual(restored, sketch)
})

test('the summary has mean, deviation, extremes and quantiles of the usable values, also far from zero', () => {
  const values = normals(2_000, 4, 1_700_000_000)
  const summary = sketchSummary(sketchOf(createReference({ kind: 'numeric', values: [] }), [...values, null]))
  assert.deepEqual([summary.count, summary.missing], [2_001, 1])
  assert.deepEqual([summary.lowest, summary.highest], [Math.min(...values), Math.max(...values)])
  closeTo(summary.mean ?? 0, mean(values), 1e-14)
  closeTo(summary.deviation ?? 0, Math.sqrt(variance(values, 0)), 1e-6)
  closeTo(summary.p95 ?? 0, values.toSorted((a, b) => a - b)[1899] ?? 0, 0.01)
})

test('a column without numbers has no statistics of numbers', () => {
  const summary = sketchSummary(sketchOf(createReference({ kind: 'categorical', values: ['a'] }), ['a', 'b']))
  assert.deepEqual([summary.count, summary.missing, summary.mean, summary.p95], [2, 0, null, null])
})

test('drift is the stability index over the bins that are used, half a value more in each, with its critical value', () => {
  const reference = createReference({ kind: 'categorical', values: [...'aaaaaabbbc'] })
  const drift = sketchDrift(sketchOf(reference, [...'aabbbbcccd']))
  closeTo(drift.psi, psi([13, 7, 3, 1], [5, 9, 7, 3]))
  assert.deepEqual([drift.n, drift.bins], [10, 4])
  closeTo(drift.critical, 7.814727903251179 * 0.2)
  assert.ok(Number.isNaN(sketchDrift(createSketch(reference)).psi))
})

test('windows from the reference population exceed the critical value about once in twenty times, also small ones', () => {
  for (const size of [100, 300]) {
    let exceeded = 0
    for (let trial = 0; trial < 300; trial++) {
      const reference = createReference({ kind: 'numeric', values: normals(1_000, 1_000 + trial) })
      const { psi, critical } = sketchDrift(sketchOf(reference, normals(size, 5_000 + trial)))
      if (psi > critical) exceeded += 1
    }
    assert.ok(exceeded >= 3 && exceeded <= 28, `${exceeded} of 300 windows of ${size}`)
  }
})

test('a shift by half a standard deviation is well above the critical value', () => {
  const reference = createReference({ kind: 'numeric', values: normals(1_000, 6) })
  const { psi, critical } = sketchDrift(sketchOf(reference, normals(300, 7, 0.5)))
  assert.ok(psi > 2 * critical, `${psi} against ${critical}`)
})

test('values that go missing are drift', () => {
  const reference = createReference({ kind: 'numeric', values: normals(1_000, 8) })
  const { psi, critical } = sketchDrift(sketchOf(reference, [...normals(270, 9), ...Array<null>(30).fill(null)]))
  assert.ok(psi > critical)
})
