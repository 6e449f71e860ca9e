import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { readBody } from './read-body.ts'

const tooLarge = () => new Error('too large')

test('a body is read whole up to its limit, and no further than that', async () => {
  let taken = 0
  async function* parts() {
    for (; ; taken += 1) yield Buffer.alloc(4)
  }
  await assert.rejects(readBody(parts(), 10, tooLarge), /too large/)
  assert.equal(taken, 2, 'the third part is over the limit, and the last that was asked for')
  assert.equal((await readBody(Readable.from([Buffer.from('ab'), Buffer.from('cd')]), 4, tooLarge)).toString(), 'abcd')
})
