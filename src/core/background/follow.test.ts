import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { testContext } from '../../../test/support/context.ts'
import { follow } from './follow.ts'

test('followers look again and again, also after one failed, until they are stopped', async (t) => {
  const ctx = await testContext(t)
  const shared = { ...ctx, engine: { ...ctx.engine, shared: true } }
  let looks = 0
  const look = async () => {
    looks += 1
  }
  const stop = follow(shared, [
    { name: 'good', every: 5, apply: look },
    { name: 'bad', every: 5, apply: () => Promise.reject(new Error('no database')) },
  ])
  while (looks < 3) await sleep(5)
  stop()
  const seen = looks
  await sleep(30)
  assert.equal(looks, seen)
})

test('who is alone with the database follows nobody', async (t) => {
  const ctx = await testContext(t)
  const alone = { ...ctx, engine: { ...ctx.engine, shared: false } }
  let looks = 0
  const look = async () => {
    looks += 1
  }
  follow(alone, [{ name: 'none', every: 1, apply: look }])
  await sleep(30)
  assert.equal(looks, 0)
})
