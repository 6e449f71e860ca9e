import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addToDDSketch, createDDSketch, type DDSketch, ddSketchQuantile, mergeDDSketches } from './ddsketch.ts'
import { elementAt } from './element-at.ts'

const values = fc.array(fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom(0, 0.001, 1, 3600)), {
  minLength: 1,
  maxLength: 80,
})

function sketchOf(numbers: readonly number[], accuracy?: number): DDSketch {
  const sketch = createDDSketch(accuracy)
  for (const number of numbers) addToDDSketch(sketch, number)
  return sketch
}

test('every quantile is within the accuracy of the true one', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (numbers, p) => {
      const truth = elementAt(
        numbers.toSorted((a, b) => a - b),
        Math.floor(p * (numbers.length - 1)),
      )
      const found = ddSketchQuantile(sketchOf(numbers), p)
      assert.ok(Math.abs(found - truth) <= 0.01 * Math.abs(truth) + 1e-11, `${found} for ${truth}`)
    }),
  )
})

test('merging is the same as adding everything to one sketch, and leaves both parts alone', () => {
  fc.assert(
    fc.property(values, values, (first, second) => {
      const [a, b] = [sketchOf(first), sketchOf(second)]
      const copies = structuredClone([a, b])
      assert.deepEqual(mergeDDSketches(a, b), sketchOf([...first, ...second]))
      assert.deepEqual([a, b], copies)
    }),
  )
})

test('a sketch survives being stored as JSON', () => {
  const sketch = sketchOf([0.2, -7, 0, 12_000])
  assert.deepEqual(JSON.parse(JSON.stringify(sketch)), sketch)
})

test('a microsecond to an hour at one percent takes about 1,100 buckets', () => {
  const steps = Array.from({ length: 50_000 }, (_, index) => 1e-6 * (3600 / 1e-6) ** (index / 49_999))
  const buckets = Object.keys(sketchOf(steps).positive).length
  assert.ok(buckets > 1_000 && buckets < 1_200, `${buckets} buckets`)
})

test('an empty sketch has no quantile, and what is no number is refused', () => {
  assert.ok(Number.isNaN(ddSketchQuantile(createDDSketch(), 0.5)))
  assert.throws(() => addToDDSketch(createDDSketch(), Number.NaN), RangeError)
  assert.throws(() => mergeDDSketches(createDDSketch(0.01), createDDSketch(0.02)), RangeError)
})
