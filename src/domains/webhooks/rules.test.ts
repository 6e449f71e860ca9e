import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge, matches, maximumAttempts, signatureOf } from './rules.ts'

test('a pattern means one event, everything below a word, or all', () => {
  assert.equal(matches(['delivery.rolled_back'], 'delivery.rolled_back'), true)
  assert.equal(matches(['delivery.*'], 'delivery.promoted'), true)
  assert.equal(matches(['delivery.*'], 'deliveryx.promoted'), false)
  assert.equal(matches(['delivery'], 'delivery.promoted'), false)
  assert.equal(matches(['*'], 'anything'), true)
  assert.equal(matches([], 'anything'), false)
})

test('the waits grow threefold with jitter, follow Retry-After, and end after eight attempts', () => {
  const delays = Array.from({ length: maximumAttempts - 1 }, (_, index) => judge({ status: 500 }, index + 1, 1))
  assert.deepEqual(
    delays.map((verdict) => ('delay' in verdict ? verdict.delay : -1)),
    [1_000, 3_000, 9_000, 27_000, 81_000, 243_000, 729_000],
  )
  assert.deepEqual(judge({ status: 500 }, 1, 0), { state: 'pending', error: 'The receiver answered 500.', delay: 500 })
  const asked = judge({ status: 429, retryAfter: '120' }, 1, 0)
  assert.equal('delay' in asked && asked.delay, 120_000)
  assert.equal(judge({ status: 503 }, maximumAttempts, 0).state, 'failed')
  assert.equal(judge({ failure: 'refused', temporary: false }, 1, 0).state, 'failed')
})

test('a secret with the prefix whsec_ stands for the bytes that it encodes', () => {
  const message = { id: 'msg', timestamp: '1', body: '{}' }
  const encoded = `whsec_${Buffer.from('plain').toString('base64')}`
  assert.equal(signatureOf(encoded, message), signatureOf('plain', message))
})
