import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFields } from './rows.ts'

test('a value that says the same in the declared type is taken, by every door alike', () => {
  const read = (type: 'string' | 'number', given: unknown) => readFields([{ name: 'x', type }], { x: given })['x']
  assert.equal(read('string', 7), '7')
  assert.equal(read('string', '007'), '007')
  assert.equal(read('number', '1.50'), 1.5)
  assert.throws(() => read('string', 0.5), /must be a string, not 0.5/)
  assert.throws(() => read('number', '1_000'), /must be a number/)
  assert.throws(() => read('number', 'NA'), /must be a number/)
  assert.throws(() => read('number', 9007199254740993n), /which no number holds exactly/)
})
