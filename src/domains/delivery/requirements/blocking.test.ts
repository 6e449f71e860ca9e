import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blocking, type RequirementName, requirement } from './blocking.ts'

test('each requirement says which verdicts block a release, and which of them a second person may sign', () => {
  const about = (name: RequirementName, signed: boolean) =>
    (['pass', 'fail', 'cannot_tell', 'error'] as const).filter(
      (verdict) => requirement(name, { verdict, signed, detail: '' }).blocks,
    )
  assert.deepEqual(about('lineage', true), ['fail', 'cannot_tell', 'error'])
  assert.deepEqual(about('gate', false), ['fail', 'cannot_tell', 'error'])
  assert.deepEqual(about('gate', true), ['fail', 'error'])
  assert.deepEqual(about('leakage', true), ['cannot_tell', 'error'])
  assert.deepEqual(about('train/serve skew', false), ['fail', 'error'])
  for (const name of Object.keys(blocking) as RequirementName[])
    for (const verdict of ['fail', 'cannot_tell', 'error'] as const)
      assert.equal(requirement(name, { verdict, detail: '' }).met, false, `${name}: ${verdict}`)
})
