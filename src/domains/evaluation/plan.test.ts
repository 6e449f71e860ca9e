import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import type { AppError } from '../../core/errors.ts'
import * as registry from '../registry/registry.ts'
import { establish, makeItems, makeSpec, registerEcho } from './evaluation.fixture.ts'
import * as evaluation from './evaluation.ts'

const model = 'flight-delay'

test('for right or wrong answers the smallest margin is known before any evaluation', async (t) => {
  const ctx = await testContext(t)
  const quality = { metric: 'accuracy', against: 'live', margin: 0.02 } as const
  await establish(ctx, { items: makeItems(200), spec: makeSpec({ quality }) })
  const plan = await evaluation.planGate(ctx, { model })
  assert.equal(plan.smallestMargin?.toFixed(3), '0.039')
  assert.match(plan.explanation, /disagree on 10 % .* Your margin of 0\.02 is smaller/)
})

test('for losses it is unknown until an evaluation has shown how they scatter', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await registerEcho(ctx, 'good')
  const before = await evaluation.planGate(ctx, { model })
  assert.equal(before.smallestMargin, null)
  assert.match(before.explanation, /not known before the first evaluation/)
  const { primary } = await evaluation.evaluate(ctx, { model, version: 1 })
  const after = await evaluation.planGate(ctx, { model })
  const { value, lower } = primary.difference
  const half = (value ?? 0) - (lower ?? 0)
  assert.ok(Math.abs((after.smallestMargin ?? 0) / half - 1) < 0.1)
})

test('a model without a spec has nothing to plan', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: model })
  await assert.rejects(evaluation.planGate(ctx, { model }), (error: AppError) => error.code === 'refused_by_policy')
})
