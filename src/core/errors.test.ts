import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toAppError } from './errors.ts'

test('a full disk, a read-only file and a port in use have codes of their own', () => {
  const failure = (properties: object) => Object.assign(new Error('it failed'), properties)
  assert.equal(toAppError(failure({ code: 'ENOSPC' })).code, 'storage_full')
  assert.equal(toAppError(failure({ errcode: 13 })).code, 'storage_full')
  assert.equal(toAppError(failure({ errcode: 8 })).code, 'storage_read_only')
  assert.equal(toAppError(failure({ code: 'EADDRINUSE' })).code, 'port_in_use')
  assert.equal(toAppError(new TypeError('x')).code, 'internal')
})
