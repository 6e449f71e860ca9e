import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import * as runs from '../runs/runs.ts'
import * as traces from './traces.ts'

const start = 1_767_225_600_000_000_000n
const traceId = 'a'.repeat(32)
const trace = `tr-${traceId}`

type More = Partial<traces.Span>

/** A span that begins `at` milliseconds after the others may, and takes `took`. */
function span(spanId: string, { at = 0, took = 10, ...more }: More & { at?: number; took?: number } = {}): traces.Span {
  const begin = start + BigInt(at) * 1_000_000n
  return {
    traceId,
    spanId,
    name: spanId,
    startTimeUnixNano: String(begin),
    endTimeUnixNano: String(begin + BigInt(took) * 1_000_000n),
    ...more,
  }
}

const text = (key: string, value: string): traces.Attribute => ({ key, value: { stringValue: value } })
const named = (name: string) => ({
  on: 'span' as const,
  key: 'name' as const,
  text: { operator: '=' as const, value: name },
})

test('a trace grows as its spans come in, and is in progress until its root is there', async (t) => {
  const ctx = await testContext(t)
  await traces.logSpans(ctx, { experiment: '0', spans: [span('child', { parentSpanId: 'root', at: 5, took: 100 })] })
  const begun = await traces.getTraceInfo(ctx, { trace })
  assert.deepEqual([begun.state, begun.duration, begun.requestPreview], ['IN_PROGRESS', 100, null])
  const root = span('root', { took: 20, attributes: [text('mlflow.spanInputs', 'why?'), text('session.id', 's1')] })
  await traces.logSpans(ctx, { experiment: '0', spans: [root] })
  const whole = await traces.getTraceInfo(ctx, { trace })
  assert.deepEqual([whole.state, whole.duration, whole.requestPreview], ['OK', 105, 'why?'])
  assert.equal(whole.metadata['mlflow.trace.session'], 's1')
  assert.equal(whole.tags['mlflow.traceName'], 'root')
})

test('a span sent twice is one span, and a root that failed makes the trace one that failed', async (t) => {
  const ctx = await testContext(t)
  const failed = span('root', { status: { code: 2, message: 'no' } })
  await traces.logSpans(ctx, { experiment: '0', spans: [failed] })
  await traces.logSpans(ctx, { experiment: '0', spans: [failed] })
  assert.equal((await traces.getSpans(ctx, { traces: [trace] })).get(trace)?.length, 1)
  assert.equal((await traces.getTraceInfo(ctx, { trace })).state, 'ERROR')
})

test('terms about spans hold for one and the same span', async (t) => {
  const ctx = await testContext(t)
  await traces.logSpans(ctx, {
    experiment: '0',
    spans: [span('ask'), span('look', { parentSpanId: 'ask', status: { code: 2 } })],
  })
  const failed = { on: 'span' as const, key: 'status' as const, text: { operator: '=' as const, value: 'ERROR' } }
  const found = async (...conditions: traces.Condition[]) =>
    (await traces.search(ctx, { experiments: [0], conditions, limit: 10 })).traces.map(({ id }) => id)
  assert.deepEqual(await found(named('look'), failed), [trace])
  assert.deepEqual(await found(named('ask'), failed), [])
  assert.equal(await traces.count(ctx, { experiments: [0], conditions: [failed] }), 1)
  assert.equal(await traces.count(ctx, { experiments: [], conditions: [] }), 0)
})

test('traces are deleted by id or up to a time, never all at once by an empty question', async (t) => {
  const ctx = await testContext(t)
  const other = 'b'.repeat(32)
  await traces.logSpans(ctx, {
    experiment: '0',
    spans: [span('old'), { ...span('new', { at: 60_000 }), traceId: other }],
  })
  await assert.rejects(traces.deleteTraces(ctx, { experiment: '0' }), { code: 'invalid_input' })
  const until = Number(start / 1_000_000n) + 1_000
  assert.equal(await traces.deleteTraces(ctx, { experiment: '0', until }), 1)
  await assert.rejects(traces.getTraceInfo(ctx, { trace }), { code: 'not_found' })
  assert.equal(await traces.deleteTraces(ctx, { experiment: '0', traces: [`tr-${other}`, trace] }), 1)
})

test('tags come and go; a tag or a trace that is not there is refused by its name', async (t) => {
  const ctx = await testContext(t)
  await traces.logSpans(ctx, { experiment: '0', spans: [span('root')] })
  await traces.tagTrace(ctx, { trace, tags: { team: 'flights' } })
  assert.equal((await traces.getTraceInfo(ctx, { trace })).tags['team'], 'flights')
  await traces.untagTrace(ctx, { trace, key: 'team' })
  await assert.rejects(traces.untagTrace(ctx, { trace, key: 'team' }), { code: 'not_found', offender: 'team' })
  await assert.rejects(traces.tagTrace(ctx, { trace: 'tr-none', tags: {} }), { code: 'not_found' })
})

test('a deleted experiment takes no spans', async (t) => {
  const ctx = await testContext(t)
  const { id } = await runs.createExperiment(ctx, { name: 'gone' })
  await runs.deleteExperiment(ctx, { id })
  await assert.rejects(traces.logSpans(ctx, { experiment: id, spans: [span('root')] }), {
    code: 'invalid_input',
    offender: id,
  })
})

test('traces are found by the run that they are linked to, and only runs that exist take links', async (t) => {
  const ctx = await testContext(t)
  await traces.logSpans(ctx, { experiment: '0', spans: [span('root')] })
  const run = await runs.create(ctx, { experiment: 'flights' })
  await traces.linkTracesToRun(ctx, { traces: [trace], run: run.id })
  const ofRun = { on: 'run' as const, text: { operator: '=' as const, value: run.id } }
  assert.equal(await traces.count(ctx, { experiments: [0], conditions: [ofRun] }), 1)
  await assert.rejects(traces.linkTracesToRun(ctx, { traces: [trace], run: 'none' }), { code: 'not_found' })
  const many = Array.from({ length: 101 }, (_, n) => `tr-${n}`)
  await assert.rejects(traces.linkTracesToRun(ctx, { traces: many, run: run.id }), { code: 'invalid_input' })
})
