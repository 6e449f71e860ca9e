import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeOnnx } from '../../../../examples/flights/src/onnx.ts'
import { testContext, testServer } from '../../../../test/support/context.ts'
import { readEvents } from '../../../core/background/events.ts'
import type { Context } from '../../../core/context.ts'
import * as datasets from '../../datasets/datasets.ts'
import * as registry from '../../registry/registry.ts'
import { definition, establish, makeItems, makeSpec, registerEcho } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'
import type { GateCheck } from '../rules.ts'

const model = 'flight-delay'

function named(checks: GateCheck[], check: string): GateCheck | undefined {
  return checks.find((one) => one.check === check)
}

async function judged(ctx: Context, success: Parameters<typeof makeSpec>[0], version = 1) {
  await registry.applySpec(ctx, makeSpec(success))
  return evaluation.runGate(ctx, { model, version })
}

test('a better candidate passes, with every criterion of the spec as a check', async (t) => {
  const ctx = await testContext(t)
  const spec = makeSpec(
    {
      floors: [{ metric: 'auc', at_least: 0.7 }],
      guardrails: [
        { metric: 'bias', within: 0.1 },
        { metric: 'latency_p95', ratio: 1.1 },
        { metric: 'cost_per_1k', ratio: 1.05 },
      ],
      slices: ['origin'],
    },
    { slow_after: '2s' },
  )
  await establish(ctx, { spec })
  await registerEcho(ctx, 'good')
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(gate.verdict, 'pass', gate.summary)
  assert.deepEqual(gate.checks.map(({ check }) => check).sort(), [
    'floor auc',
    'golden set',
    'guardrail bias',
    'guardrail cost_per_1k',
    'guardrail latency_p95',
    'lineage',
    'parity',
    'quality log_loss',
    'slice origin=BOS',
    'slice origin=LGA',
    'slice origin=ORD',
  ])
  const latency = named(gate.checks, 'guardrail latency_p95')
  assert.match(
    latency?.reason ?? '',
    /a ratio of times against a baseline that is not timed says nothing, so against delivery.rollout.slow_after/,
  )
  const cost = named(gate.checks, 'guardrail cost_per_1k')
  assert.deepEqual([cost?.verdict, cost?.required, cost?.value], ['cannot_tell', false, null])
  assert.match(cost?.reason ?? '', /^not configured/)
})

test('the same evidence gives the same digest and verdict; another golden version does not', async (t) => {
  const ctx = await testContext(t)
  const items = await establish(ctx)
  await registerEcho(ctx, 'good')
  const first = await evaluation.runGate(ctx, { model, version: 1 })
  const again = await evaluation.runGate(ctx, { model, version: 1 })
  assert.deepEqual([again.digest, again.verdict], [first.digest, first.verdict])
  assert.notEqual(again.id, first.id)
  await establish(ctx, { items: items.slice(1) })
  assert.notEqual((await evaluation.runGate(ctx, { model, version: 1 })).digest, first.digest)
})

test('each gate counts as a use of the golden version it looked at', async (t) => {
  const ctx = await testContext(t)
  const items = await establish(ctx)
  await registerEcho(ctx, 'good')
  await evaluation.runGate(ctx, { model, version: 1 })
  const second = await evaluation.runGate(ctx, { model, version: 1 })
  assert.match(named(second.checks, 'golden set')?.reason ?? '', /gate number 2 that looks at it/)
  assert.equal((await evaluation.getGolden(ctx, { golden: 'flights-golden' })).uses, 2)
  await establish(ctx, { items: items.slice(1) })
  assert.equal((await evaluation.getGolden(ctx, { golden: 'flights-golden' })).uses, 0)
})

test('a worse candidate fails, and the event tells delivery', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await registerEcho(ctx, 'good')
  await registerEcho(ctx, 'wrong')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const gate = await evaluation.runGate(ctx, { model, version: 2 })
  assert.equal(gate.verdict, 'fail')
  assert.match(gate.summary, /^1 of \d+ required checks fails\. quality log_loss: log_loss is worse than live \(v1\)/)
  const [event] = await readEvents(ctx, { type: 'evaluation.gate_decided' })
  assert.deepEqual(
    [event?.subject, event?.data['gate'], event?.data['verdict'], event?.data['digest']],
    ['model/flight-delay', gate.id, 'fail', gate.digest],
  )
})

test('what is live already is not worse than itself', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(gate.verdict, 'pass', gate.summary)
  assert.match(named(gate.checks, 'quality log_loss')?.reason ?? '', /it is the same version$/)
})

test('where no training set is known, the mean of the golden labels answers for the baseline', async (t) => {
  const ctx = await testContext(t)
  await registry.applySpec(ctx, makeSpec())
  const items = makeItems(400)
  await evaluation.applyGolden(ctx, { definition, items })
  await registerEcho(ctx, 'good')
  const share = items.filter(({ late }) => Number(late) === 1).length / items.length
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  assert.match(
    named(gate.checks, 'quality log_loss')?.reason ?? '',
    new RegExp(`constant baseline ${Number(share.toPrecision(4))}`),
  )
  assert.equal(gate.verdict, 'pass', gate.summary)
})

test('too few items cannot tell', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx, { items: makeItems(12) })
  await registerEcho(ctx, 'noisy')
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 2 })
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(gate.verdict, 'cannot_tell')
})

test('a floor is proved, missed, or cannot be told, by its one-sided bounds', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await registerEcho(ctx, 'good')
  const at = async (limit: number) =>
    named((await judged(ctx, { floors: [{ metric: 'auc', at_least: limit }] })).checks, 'floor auc')
  const found = await at(0.6)
  const auc = found?.value ?? Number.NaN
  assert.equal(found?.verdict, 'pass')
  assert.equal((await at(auc - 0.001))?.verdict, 'cannot_tell')
  assert.equal((await at(0.99))?.verdict, 'fail')
})

test('a guardrail that nothing can measure is an error, never a silent pass', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await registerEcho(ctx, 'good')
  const unknown = await judged(ctx, { guardrails: [{ metric: 'toxicity', within: 0.1 }] })
  assert.deepEqual([unknown.verdict, named(unknown.checks, 'guardrail toxicity')?.verdict], ['error', 'error'])
  const unlimited = await judged(ctx, { guardrails: [{ metric: 'bias' }], floors: [{ metric: 'auc' }] })
  assert.deepEqual(
    [named(unlimited.checks, 'guardrail bias')?.verdict, named(unlimited.checks, 'floor auc')?.verdict],
    ['error', 'error'],
  )
})

test('a model that answers with classes where a probability was expected is told so', async (t) => {
  const ctx = await testContext(t)
  const items = makeItems(400).map((item) => ({ ...item, good: Math.round(item.good ?? 0) }))
  await establish(ctx, { items })
  await registerEcho(ctx, 'good')
  await registerEcho(ctx, 'noisy')
  const gateOf = (version: number) => evaluation.runGate(ctx, { model, version })
  const check = named((await gateOf(1)).checks, 'probabilities')
  assert.deepEqual([check?.verdict, check?.required], ['cannot_tell', false])
  assert.match(check?.reason ?? '', /each of 400 answers is 0 or 1 \(class_for_probability\)/)
  assert.equal(named((await gateOf(2)).checks, 'probabilities'), undefined)
})

test('one missing answer makes every check that needs it an error', async (t) => {
  const ctx = await testContext(t)
  const items = makeItems(400).map((item, index) => ({ ...item, good: index === 7 ? null : item.good }))
  await establish(ctx, { items })
  await registerEcho(ctx, 'good')
  const gate = await judged(ctx, {
    floors: [{ metric: 'auc', at_least: 0.1 }],
    guardrails: [{ metric: 'bias', within: 0.9 }],
  })
  assert.equal(gate.verdict, 'error')
  for (const check of ['quality log_loss', 'floor auc', 'guardrail bias'])
    assert.equal(named(gate.checks, check)?.verdict, 'error', check)
  assert.match(gate.summary, /f7/)
})

test('an unvetted source in the lineage fails the gate by its name', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  await datasets.applySource(ctx, { source: 'scraped', owner: 'nobody' })
  await registerEcho(ctx, 'good', { sources: ['scraped'] })
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(gate.verdict, 'fail')
  assert.match(named(gate.checks, 'lineage')?.reason ?? '', /nobody vetted: scraped$/)
})

test('a model without a spec, or whose golden set is missing, gets a gate that says so', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: model })
  await registerEcho(ctx, 'good')
  const unspecified = await evaluation.runGate(ctx, { model, version: 1 })
  assert.deepEqual([unspecified.verdict, unspecified.evaluation], ['fail', null])
  assert.equal(unspecified.checks[0]?.check, 'spec')
  const missing = await judged(ctx, {})
  assert.equal(missing.verdict, 'error')
  assert.match(missing.summary, /Golden set "flights-golden" does not exist/)
})

test('a model that fails while it runs gets an error, not a crash', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  const knowsOnlyBonn = encodeOnnx({
    name: 'knows only Bonn',
    inputs: [{ name: 'origin', type: 'string', width: 1 }],
    outputs: [{ name: 'answer', type: 'float', width: 1 }],
    constants: [],
    nodes: [
      {
        op: 'OneHotEncoder',
        domain: 'ai.onnx.ml',
        inputs: ['origin'],
        output: 'encoded',
        attributes: { cats_strings: ['Bonn'], zeros: 0 },
      },
      { op: 'Flatten', inputs: ['encoded'], output: 'answer' },
    ],
  })
  const blob = await ctx.blobs.put(knowsOnlyBonn)
  const artifacts = await import('../../artifacts/artifacts.ts')
  const { digest } = await artifacts.create(ctx, { files: [{ path: 'model.onnx', ...blob }] })
  await registry.registerVersion(ctx, {
    model,
    flavor: 'onnx',
    artifact: digest,
    signature: { inputs: [{ name: 'origin', type: 'string' }], output: { name: 'answer', type: 'number' } },
  })
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(gate.verdict, 'error')
  assert.match(gate.summary, /Unknown Category/i)
})

test('gates are listed newest first, and the latest of a version is found', async (t) => {
  const { client, app } = await testServer(t)
  await establish(app.ctx)
  await registerEcho(app.ctx, 'good')
  await registerEcho(app.ctx, 'noisy')
  assert.equal(await evaluation.latestGate(app.ctx, { model, version: 1 }), undefined)
  const first = await client.evaluation.runGate({ model, version: 1 })
  const other = await client.evaluation.runGate({ model, version: 2 })
  const second = await client.evaluation.runGate({ model, version: 1 })
  const page = await client.evaluation.listGates({ model, limit: 2 })
  assert.deepEqual(
    page.items.map(({ id }) => id),
    [second.id, other.id],
  )
  const rest = await client.evaluation.listGates({ model, limit: 2, ...(page.next ? { cursor: page.next } : {}) })
  assert.deepEqual(
    rest.items.map(({ id }) => id),
    [first.id],
  )
  assert.deepEqual(await client.evaluation.getGate({ gate: second.id }), second)
  assert.equal((await evaluation.latestGate(app.ctx, { model, version: 1 }))?.id, second.id)
})
