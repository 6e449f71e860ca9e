import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext, testServer } from '../../../../test/support/context.ts'
import type { ProblemError } from '../../../client/client.ts'
import type { AppError } from '../../../core/errors.ts'
import * as registry from '../../registry/registry.ts'
import { establish, makeItems, makeSpec, registerEcho } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'
import { fromJsonLines } from '../golden/items.ts'

const model = 'flight-delay'

test('candidate and live version answer the same items, paired by id, and the answers are kept', async (t) => {
  const ctx = await testContext(t)
  const items = await establish(ctx)
  await registerEcho(ctx, 'noisy')
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const result = await evaluation.evaluate(ctx, { model, version: 2 })
  assert.deepEqual([result.against, result.baselineVersion, result.asOf, result.n], ['live (v1)', 1, 'request', 400])
  assert.equal(result.primary.verdict, 'pass')
  const kept = fromJsonLines(await ctx.blobs.readVerified(result.outputs))
  assert.deepEqual(
    kept,
    items.map(({ id, late, good, noisy }) => ({
      id,
      label: late,
      candidate: Math.fround(good ?? 0),
      baseline: Math.fround(noisy),
    })),
  )
})

test('the primary difference is the mean of paired losses, positive when the candidate is better', async (t) => {
  const ctx = await testContext(t)
  const items = await establish(ctx)
  await registerEcho(ctx, 'noisy')
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const { primary, metrics } = await evaluation.evaluate(ctx, { model, version: 2 })
  const loss = (late: number, p: number) => -Math.log(late === 1 ? Math.fround(p) : 1 - Math.fround(p))
  const differences = items.map(({ late, good, noisy }) => loss(late, noisy) - loss(late, good ?? 0))
  const expected = differences.reduce((sum, value) => sum + value, 0) / differences.length
  assert.ok(Math.abs((primary.difference.value ?? 0) - expected) < 1e-9)
  const { lower, value, upper } = primary.difference
  assert.ok((lower ?? 1) < (value ?? 0) && (value ?? 1) < (upper ?? 0))
  const logLoss = metrics.find(({ metric }) => metric === 'log_loss')
  assert.equal(logLoss?.direction, 'lower')
  const gap = (logLoss?.baseline?.value ?? 0) - (logLoss?.candidate.value ?? 0)
  assert.ok(Math.abs(gap - expected) < 1e-9)
})

test('without anything live the baseline is the constant of the model, and the words say so', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await registerEcho(ctx, 'good')
  const result = await evaluation.evaluate(ctx, { model, version: 1 })
  assert.deepEqual([result.against, result.baselineVersion], ['constant baseline 0.5 (nothing is live)', 0])
  assert.deepEqual(
    result.simpleBaselines.map(({ name, value }) => [name, value.toFixed(6)]),
    [['constant 0.5', Math.LN2.toFixed(6)]],
  )
  const auc = result.metrics.find(({ metric }) => metric === 'auc')
  assert.equal(auc?.baseline?.value, 0.5)
})

test('a version can be compared with any other version by number', async (t) => {
  const { client, app } = await testServer(t)
  await establish(app.ctx)
  await registerEcho(app.ctx, 'good')
  await registerEcho(app.ctx, 'wrong')
  const result = await client.evaluation.evaluate({ model, version: 2, against: '1' })
  assert.deepEqual([result.against, result.primary.verdict], ['v1', 'fail'])
  const listed = await client.evaluation.listEvaluations({ model })
  assert.deepEqual(listed.items, [await client.evaluation.getEvaluation({ evaluation: result.id })])
  await assert.rejects(
    client.evaluation.evaluate({ model, version: 2, against: 'yesterday' }),
    (error: ProblemError) => error.problem.code === 'invalid_input',
  )
})

test('evaluating again gives the same numbers to the last digit', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await registerEcho(ctx, 'good')
  const first = await evaluation.evaluate(ctx, { model, version: 1 })
  const second = await evaluation.evaluate(ctx, { model, version: 1 })
  assert.deepEqual({ ...second, id: '' }, { ...first, id: '' })
})

test('an item without a usable answer makes the evaluation an error that names it', async (t) => {
  const ctx = await testContext(t)
  const items = makeItems(400).map((item, index) => ({ ...item, good: index === 7 ? null : item.good }))
  await establish(ctx, { items })
  await registerEcho(ctx, 'good')
  const { primary, metrics } = await evaluation.evaluate(ctx, { model, version: 1 })
  assert.equal(primary.verdict, 'error')
  assert.match(primary.reason, /the candidate has no usable answer for 1 of 400 items: f7$/)
  assert.equal(primary.difference.value, null)
  assert.ok(metrics.every(({ candidate }) => candidate.value === null))
})

test('each declared slice is compared on its own, and one that is too small is not tested', async (t) => {
  const ctx = await testContext(t)
  const items = makeItems(400).map((item, index) => ({ ...item, origin: index < 20 ? 'ATL' : item.origin }))
  await establish(ctx, { items, spec: makeSpec({ slices: ['origin'] }) })
  await registerEcho(ctx, 'good')
  const { slices } = await evaluation.evaluate(ctx, { model, version: 1 })
  assert.deepEqual(
    slices.map(({ slice, value }) => `${slice}=${value}`),
    ['origin=ATL', 'origin=BOS', 'origin=LGA', 'origin=ORD'],
  )
  assert.equal(
    slices.reduce((sum, { n }) => sum + n, 0),
    400,
  )
  assert.deepEqual(
    slices.map(({ verdict }) => verdict),
    ['not_tested', 'pass', 'pass', 'pass'],
  )
})

test('a metric, a column or a label that does not fit is refused by name', async (t) => {
  const ctx = await testContext(t)
  const refusedFor = (name: string) => (error: AppError) => error.offender === name
  await establish(ctx, { spec: makeSpec({ quality: { metric: 'log_los', against: 'live', margin: 0.01 } }) })
  await registerEcho(ctx, 'good')
  await assert.rejects(evaluation.evaluate(ctx, { model, version: 1 }), refusedFor('log_los'))
  await registry.applySpec(ctx, makeSpec({ slices: ['weather'] }))
  await assert.rejects(evaluation.evaluate(ctx, { model, version: 1 }), refusedFor('weather'))
  await registry.applySpec(ctx, makeSpec())
  await registerEcho(ctx, 'wind')
  await assert.rejects(evaluation.evaluate(ctx, { model, version: 2 }), refusedFor('wind'))
  await establish(ctx, { items: makeItems(40).map((item) => ({ ...item, late: 2 })) })
  await assert.rejects(evaluation.evaluate(ctx, { model, version: 1 }), refusedFor('late'))
})
