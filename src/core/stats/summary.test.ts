import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ascending, mean, sum, variance } from './summary.ts'

test('sums without losing small values beside large ones', () => {
  assert.equal(sum([1, 1e100, 1, -1e100]), 2)
  assert.equal(sum(Array.from({ length: 10 }, () => 0.1)), 1)
})

test('keeps infinities and NaN visible in a sum', () => {
  assert.equal(sum([1, Number.POSITIVE_INFINITY]), Number.POSITIVE_INFINITY)
  assert.ok(Number.isNaN(sum([1, Number.NaN])))
})

test('has no mean of nothing and no unbiased variance of one value', () => {
  assert.ok(Number.isNaN(mean([])))
  assert.ok(Number.isNaN(variance([4])))
  assert.equal(variance([4], 0), 0)
})

test('finds mean and variance', () => {
  assert.equal(mean([2, 4, 9]), 5)
  assert.equal(variance([2, 4, 9]), 13)
  assert.equal(variance([2, 4, 9], 0), 26 / 3)
})

test('finds the variance of values with a large offset', () => {
  assert.equal(variance([1e12 + 2, 1e12 + 4, 1e12 + 9]), 13)
})

test('sorts by value, not by text, and leaves its input alone', () => {
  const values = [10, 9, -1]
  assert.deepEqual(ascending(values), [-1, 9, 10])
  assert.deepEqual(values, [10, 9, -1])
})
