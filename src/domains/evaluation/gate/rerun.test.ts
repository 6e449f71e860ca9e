import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext, testServer } from '../../../../test/support/context.ts'
import { readEvents } from '../../../core/background/events.ts'
import type { AppError } from '../../../core/errors.ts'
import * as registry from '../../registry/registry.ts'
import { establish, makeItems, makeSpec, registerEcho } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'

const model = 'flight-delay'

test('a gate judged again gives the same verdict on the same evidence, whatever changed since', async (t) => {
  const { client, app } = await testServer(t)
  const { ctx } = app
  const items = await establish(ctx, { spec: makeSpec({ guardrails: [{ metric: 'latency_p95', ratio: 3 }] }) })
  await registerEcho(ctx, 'noisy')
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const gate = await client.evaluation.runGate({ model, version: 2 })
  assert.equal(gate.verdict, 'pass', gate.summary)
  // Another live version, another spec and another golden set do not matter to what was decided before.
  await registry.moveLiveAlias(ctx, { model, version: 2 })
  await registry.applySpec(ctx, makeSpec({ floors: [{ metric: 'auc', at_least: 0.99 }] }))
  await evaluation.applyGolden(ctx, {
    definition: (await evaluation.getGolden(ctx, { golden: 'flights-golden' })).definition,
    items: items.slice(0, 50).map((item) => ({ ...item, late: 1 - item.late })),
  })
  for (const from of ['models', 'record'] as const) {
    const again = await client.evaluation.rerunGate({ gate: gate.id, from })
    assert.deepEqual(
      [again.from, again.recorded, again.verdict, again.same],
      [from, 'pass', 'pass', true],
      again.summary,
    )
    assert.deepEqual([again.sameEvidence, again.differences], [true, []])
  }
  assert.deepEqual(await client.evaluation.getGate({ gate: gate.id }), gate)
  assert.equal((await evaluation.latestGate(ctx, { model, version: 2 }))?.id, gate.id)
  assert.equal((await readEvents(ctx, { type: 'evaluation.gate_rerun' })).length, 2)
})

test('a failed verdict stays failed, too', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await registerEcho(ctx, 'good')
  await registerEcho(ctx, 'wrong')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const gate = await evaluation.runGate(ctx, { model, version: 2 })
  const again = await evaluation.rerunGate(ctx, { gate: gate.id })
  assert.deepEqual([again.verdict, again.same, again.sameEvidence], ['fail', true, true])
})

test('what is not as it was is named by its path', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await registerEcho(ctx, 'good')
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  // The constant of the baseline is all that is not pinned by a version.
  await registry.setBaseline(ctx, { model, value: 0.25 })
  const again = await evaluation.rerunGate(ctx, { gate: gate.id })
  assert.equal(again.sameEvidence, false)
  assert.ok(again.differences.includes('baseline.constant'), again.differences.join())
})

test('a gate that compared nothing cannot be judged again', async (t) => {
  const ctx = await testContext(t)
  await registry.applySpec(ctx, makeSpec())
  await registerEcho(ctx, 'good')
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(gate.verdict, 'error')
  await assert.rejects(evaluation.rerunGate(ctx, { gate: gate.id }), (error: AppError) => error.code === 'conflict')
})

test('an unanswered item is still an error when the record is judged again', async (t) => {
  const ctx = await testContext(t)
  const items = makeItems(400).map((item, index) => ({ ...item, good: index === 7 ? null : item.good }))
  await establish(ctx, { items })
  await registerEcho(ctx, 'good')
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(gate.verdict, 'error')
  const again = await evaluation.rerunGate(ctx, { gate: gate.id, from: 'record' })
  assert.deepEqual([again.verdict, again.same], ['error', true])
})
