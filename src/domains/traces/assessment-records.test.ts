import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import type { Context } from '../../core/context.ts'
import * as traces from './traces.ts'

const traceId = 'c'.repeat(32)
const trace = `tr-${traceId}`

const feedback = (value: unknown, more: Partial<traces.NewAssessment> = {}): traces.NewAssessment => ({
  trace,
  span: null,
  name: 'correct',
  kind: 'feedback',
  value,
  error: null,
  source: { type: 'HUMAN', id: 'ana' },
  rationale: null,
  metadata: {},
  overrides: null,
  ...more,
})

async function begin(ctx: Context): Promise<void> {
  const at = '1767225600000000000'
  await traces.logSpans(ctx, {
    experiment: '0',
    spans: [{ traceId, spanId: 'root', name: 'ask', startTimeUnixNano: at, endTimeUnixNano: at }],
  })
}

test('an assessment that overrides another makes that one invalid, and valid again when it is deleted', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx)
  const first = await traces.createAssessment(ctx, feedback(true))
  const second = await traces.createAssessment(ctx, feedback(false, { overrides: first.id }))
  assert.equal((await traces.getAssessment(ctx, { trace, id: first.id })).valid, false)
  await traces.deleteAssessment(ctx, { trace, id: second.id })
  assert.equal((await traces.getAssessment(ctx, { trace, id: first.id })).valid, true)
  await assert.rejects(traces.getAssessment(ctx, { trace, id: second.id }), { code: 'not_found', offender: second.id })
})

test('a change keeps what it does not name, and adds to the metadata', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx)
  const made = await traces.createAssessment(
    ctx,
    feedback({ score: 0.5 }, { metadata: { model: 'm' }, rationale: 'so' }),
  )
  const change = { value: 'good', metadata: { by: 'bo' } }
  const changed = await traces.updateAssessment(ctx, { trace, id: made.id, change })
  assert.deepEqual([changed.value, changed.rationale, changed.metadata], ['good', 'so', { model: 'm', by: 'bo' }])
  assert.deepEqual(await traces.getAssessment(ctx, { trace, id: made.id }), changed)
})

test('a trace has its assessments with it, and nobody assesses a trace that does not exist', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx)
  await traces.createAssessment(ctx, feedback('yes'))
  const { assessments } = await traces.getTraceInfo(ctx, { trace })
  assert.deepEqual(
    assessments.map(({ name, value }) => [name, value]),
    [['correct', 'yes']],
  )
  await assert.rejects(traces.createAssessment(ctx, { ...feedback(1), trace: 'tr-none' }), { code: 'not_found' })
})
