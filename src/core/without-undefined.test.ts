import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutUndefined } from './without-undefined.ts'

test('what is undefined is left out, and null, false and nothing stay', () => {
  const limit: number | undefined = undefined
  const fields: { name: string; limit?: number } = withoutUndefined({ name: '', limit })
  assert.deepEqual(Object.keys(fields), ['name'])
  assert.deepEqual(withoutUndefined({ a: null, b: false, c: 0, d: undefined }), { a: null, b: false, c: 0 })
})
