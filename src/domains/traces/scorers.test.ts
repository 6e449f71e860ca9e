import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import * as traces from './traces.ts'

test('a scorer registered again is its next version, under the same id; the newest is what a name means', async (t) => {
  const ctx = await testContext(t)
  const register = (name: string, content: string) => traces.registerScorer(ctx, { experiment: '0', name, content })
  const first = await register('tone', '{"v":1}')
  const second = await register('tone', '{"v":2}')
  await register('length', '{}')
  assert.deepEqual([first.version, second.version, second.id === first.id], [1, 2, true])
  const newest = await traces.listScorers(ctx, { experiment: '0' })
  assert.deepEqual(newest.map(({ name, version }) => [name, version]).sort(), [
    ['length', 1],
    ['tone', 2],
  ])
  assert.equal((await traces.getScorer(ctx, { experiment: '0', name: 'tone' })).content, '{"v":2}')
  assert.equal((await traces.getScorer(ctx, { experiment: '0', name: 'tone', version: 1 })).content, '{"v":1}')
})

test('a version is deleted alone or all of a name together, and what is not there is refused', async (t) => {
  const ctx = await testContext(t)
  for (const content of ['1', '2', '3']) await traces.registerScorer(ctx, { experiment: '0', name: 'tone', content })
  await traces.deleteScorer(ctx, { experiment: '0', name: 'tone', version: 2 })
  const left = await traces.listScorerVersions(ctx, { experiment: '0', name: 'tone' })
  assert.deepEqual(
    left.map(({ version }) => version),
    [1, 3],
  )
  await traces.deleteScorer(ctx, { experiment: '0', name: 'tone' })
  await assert.rejects(traces.deleteScorer(ctx, { experiment: '0', name: 'tone' }), {
    code: 'not_found',
    offender: 'tone',
  })
  await assert.rejects(traces.registerScorer(ctx, { experiment: '99', name: 'x', content: '' }), { code: 'not_found' })
})
