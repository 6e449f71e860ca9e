import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext, testServer } from '../../../../test/support/context.ts'
import type { ProblemError } from '../../../client/client.ts'
import type { AppError } from '../../../core/errors.ts'
import * as registry from '../../registry/registry.ts'
import { smallestShareMargin } from '../comparison/intervals.ts'
import { definition, establish, makeItems, makeSpec, registerEcho } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'

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

test('a number of items says what it can prove, before there is a spec or even a set', async (t) => {
  const { client, app } = await testServer(t)
  const table = await client.evaluation.planMargin({ items: 200, margin: 0.02 })
  assert.deepEqual(
    table.margins.map(({ discordance, smallestMargin }) => [discordance, (100 * smallestMargin).toFixed(1)]),
    [
      [0, '1.3'],
      [0.02, '2.1'],
      [0.05, '2.9'],
      [0.1, '3.9'],
      [0.2, '5.3'],
    ],
  )
  assert.equal(table.margins.find(({ discordance }) => discordance === 0.1)?.itemsForMargin, 1546)
  const never = table.margins.find(({ discordance }) => discordance === 0)?.itemsForMargin ?? 0
  const proved = (items: number) => smallestShareMargin(items, 0) <= 0.02
  assert.deepEqual([proved(never), proved(never - 1)], [true, false])
  await evaluation.applyGolden(app.ctx, { definition, items: makeItems(200) })
  const named = await client.evaluation.planMargin({ golden: 'flights-golden', discordance: 0.05 })
  assert.deepEqual([named.items, named.margins.length], [200, 1])
  assert.match(named.explanation, /^With 200 items, and models that disagree on 5 % of them, .* is 0\.0\d+\.$/)
  const graded = await client.evaluation.planMargin({ items: 400, deviation: 0.3, margin: 0.02 })
  const [one] = graded.margins
  assert.ok(Math.abs((one?.smallestMargin ?? 0) - (1.6448536269514722 * 0.3) / 20) < 1e-12)
  assert.equal(one?.itemsForMargin, Math.ceil((1.6448536269514722 + 0.8416212335729143) ** 2 * (0.3 / 0.02) ** 2))
  await assert.rejects(
    client.evaluation.planMargin({}),
    (error: ProblemError) => error.problem.code === 'invalid_input',
  )
})

test('answers of one user are not independent, so how they scatter has to be seen first', async (t) => {
  const ctx = await testContext(t)
  const quality = { metric: 'accuracy', against: 'live', margin: 0.02 } as const
  await establish(ctx, { spec: makeSpec({ quality }) })
  await evaluation.applyGolden(ctx, { definition: { ...definition, cluster: 'origin' }, items: makeItems(200) })
  assert.equal((await evaluation.planGate(ctx, { model })).smallestMargin, null)
})
