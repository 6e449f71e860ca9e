import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAnswers } from './answers.ts'

test('a chance that its sum carried a little beyond 1 or below 0 is 1 or 0, and what is no chance stays as it is', () => {
  const plan = { name: 'p', kind: 'score' as const, classes: undefined, column: undefined }
  const data = Float32Array.of(1.0000001, -0.0000001, 0.25, 1.01, -0.5, Number.NaN, Number.POSITIVE_INFINITY)
  const answers = readAnswers(plan, { type: 'float32', data, dims: [7, 1] }, 7)
  assert.deepEqual(answers.slice(0, 3), [1, 0, 0.25])
  assert.deepEqual(answers.slice(3), [...data.slice(3)])
  const [value] = readAnswers({ ...plan, kind: 'value' }, { type: 'float32', data, dims: [7, 1] }, 7)
  assert.equal(value, data[0])
})
