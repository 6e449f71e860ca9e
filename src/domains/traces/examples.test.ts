import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import * as runs from '../runs/runs.ts'
import * as traces from './traces.ts'

test('one example for each input: what is said of it again is merged into what is known', async (t) => {
  const ctx = await testContext(t)
  const { id } = await traces.createExampleSet(ctx, { name: 'questions', tags: {}, experiments: [] })
  const first = { inputs: { q: 'why?', lang: 'en' }, expectations: { answer: 'because' } }
  assert.deepEqual(await traces.saveExamples(ctx, { id, examples: [first, { inputs: { q: 'how?' } }] }), {
    inserted: 2,
    updated: 0,
  })
  const again = { inputs: { lang: 'en', q: 'why?' }, outputs: 'so', expectations: { tone: 'kind' } }
  assert.deepEqual(await traces.saveExamples(ctx, { id, examples: [again] }), { inserted: 0, updated: 1 })
  const { examples } = await traces.listExamples(ctx, { id, limit: 10 })
  const merged = examples.find(({ inputs }) => inputs['q'] === 'why?')
  assert.deepEqual([merged?.outputs, merged?.expectations], ['so', { answer: 'because', tone: 'kind' }])
})

test('examples are listed by pages, and the last page has no next', async (t) => {
  const ctx = await testContext(t)
  const { id } = await traces.createExampleSet(ctx, { name: 'many', tags: {}, experiments: [] })
  await traces.saveExamples(ctx, { id, examples: Array.from({ length: 5 }, (_, n) => ({ inputs: { n } })) })
  const seen: unknown[] = []
  let cursor: string | undefined
  let pages = 0
  do {
    const page = await traces.listExamples(ctx, { id, limit: 2, cursor })
    seen.push(...page.examples.map(({ inputs }) => inputs['n']))
    cursor = page.next
    pages += 1
  } while (cursor !== undefined)
  assert.deepEqual([pages, seen.sort()], [3, [0, 1, 2, 3, 4]])
})

test('a set belongs to the experiments that it was added to, until it is removed from them', async (t) => {
  const ctx = await testContext(t)
  const experiment = (await runs.createExperiment(ctx, { name: 'answers' })).id
  const { id } = await traces.createExampleSet(ctx, { name: 'linked', tags: { team: 'a' }, experiments: [experiment] })
  assert.deepEqual((await traces.addToExperiments(ctx, { id, experiments: ['0', experiment] })).experiments, [
    '0',
    experiment,
  ])
  assert.deepEqual((await traces.removeFromExperiments(ctx, { id, experiments: [experiment] })).experiments, ['0'])
  assert.deepEqual((await traces.tagExampleSet(ctx, { id, tags: { team: null, kind: 'qa' } })).tags, { kind: 'qa' })
  await traces.deleteExampleSet(ctx, { id })
  await assert.rejects(traces.getExampleSet(ctx, { id }), { code: 'not_found' })
})
