import assert from 'node:assert/strict'
import { test } from 'node:test'
import { elementAt } from './element-at.ts'

test('gives the element at an index', () => {
  assert.equal(elementAt([3, 5, 7], 1), 5)
  assert.equal(elementAt(Float64Array.of(0.5), 0), 0.5)
})

test('refuses an index outside the list', () => {
  assert.throws(() => elementAt([3, 5, 7], 3), RangeError)
  assert.throws(() => elementAt([3, 5, 7], -1), RangeError)
})
