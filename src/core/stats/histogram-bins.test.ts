import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from './close-to.fixture.ts'
import { current, reference } from './drifting.fixture.ts'
import {
  countBetween,
  doaneEdges,
  doaneHistograms,
  sturgesEdges,
  sturgesHistograms,
  valueHistograms,
} from './histogram-bins.ts'

test('the drifting samples are the published ones', () => {
  for (const [index, value] of [11.65581405768171, 8.53712755907327, 9.947042556013912].entries()) {
    closeTo(reference[index] ?? 0, value, 1e-14)
  }
})

test("Sturges' bins of the drifting samples are the published ones", () => {
  const edges = sturgesEdges([...reference, ...current])
  assert.equal(edges.length, 12)
  closeTo(edges[0] ?? 0, 5.859524282626808, 1e-14)
  closeTo(edges[11] ?? 0, 14.657700613699852, 1e-14)
  assert.deepEqual(sturgesHistograms(reference, current), {
    reference: [5, 20, 39, 71, 83, 106, 81, 62, 24, 9, 0],
    current: [6, 11, 16, 38, 59, 73, 76, 69, 35, 10, 7],
  })
})

test("Doane's bins come from the reference alone, with one more for what is outside of it", () => {
  const edges = doaneEdges(reference)
  assert.deepEqual([edges[0], edges.at(-1)], [Math.min(...reference), Math.max(...reference)])
  const { reference: before, current: after } = doaneHistograms(reference, current)
  assert.equal(before.length, 13)
  assert.equal(before.at(-1), 0)
  assert.equal(
    after.at(-1),
    current.filter((value) => value > Math.max(...reference) || value < Math.min(...reference)).length,
  )
  assert.equal(doaneHistograms(reference, reference).reference.length, 12)
})

test('a numeric column of at most 20 different values is counted value by value', () => {
  assert.deepEqual(sturgesHistograms([1, 1, 2, 5], [5, 5, 7]), { reference: [2, 1, 1, 0], current: [0, 0, 2, 1] })
})

test('categories are counted in the order of their first occurrence', () => {
  assert.deepEqual(valueHistograms(['b', 'a', 'b'], ['c', 'a']), { reference: [2, 1, 0], current: [0, 1, 1] })
})

test('bins of whole numbers are at least one wide', () => {
  const edges = sturgesEdges([0, 1, 2, 3, 3, 3, 3, 3, 3, 3])
  assert.deepEqual(edges, [0, 1, 2, 3])
})

test('values that are all the same get one bin around them; missing ones are refused', () => {
  assert.deepEqual(sturgesEdges([4.5, 4.5]), [4, 5])
  assert.deepEqual(doaneEdges([4.5, 4.5, 4.5]), [4, 5])
  assert.throws(() => sturgesEdges([1, Number.NaN]), RangeError)
})

test('counting agrees with a search through the edges', () => {
  const values = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 60 })
  fc.assert(
    fc.property(values, (numbers) => {
      const edges = sturgesEdges(numbers)
      const last = edges.length - 2
      const slow = edges.slice(0, -1).map((from, bin) => {
        const to = edges[bin + 1] ?? 0
        return numbers.filter((value) => value >= from && (value < to || (bin === last && value === to))).length
      })
      assert.deepEqual(countBetween(edges, numbers), slow)
    }),
  )
})
