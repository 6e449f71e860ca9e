import assert from 'node:assert/strict'
import { test } from 'node:test'
import { betaPosterior } from './beta-posterior.ts'
import { closeTo } from './close-to.fixture.ts'
import { betaCdf } from './distributions.ts'

test('one failure of five is not shown as one in five', () => {
  const { mean, lower, upper } = betaPosterior({ failed: 1, total: 5, target: 0.15 })
  closeTo(mean, 2 / 15)
  assert.equal(Math.round(100 * lower), 3)
  assert.equal(Math.round(100 * upper), 30)
})

test('the chance of being above the target has the published values', () => {
  const above = (failed: number, total: number) =>
    Number(betaPosterior({ failed, total, target: 0.15 }).aboveTarget.toFixed(2))
  assert.deepEqual([above(1, 5), above(2, 5), above(3, 20), above(5, 20)], [0.36, 0.65, 0.35, 0.74])
})

test('nothing observed gives the prior: one in ten', () => {
  const { mean, lower, upper } = betaPosterior({ failed: 0, total: 0, target: 0.1 })
  closeTo(mean, 0.1)
  closeTo(betaCdf(upper, 1, 9) - betaCdf(lower, 1, 9), 0.9)
})
