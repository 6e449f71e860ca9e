import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costOf } from '../prices.ts'
import { costCheck } from './cost.ts'

const prices = (table: Record<string, number>) => ({ digest: null, prices: table, createdAt: null, createdBy: null })
const guardrail = { metric: 'cost_per_1k', ratio: 1.1 }

function measured(candidate: number[], baseline: number[]) {
  const usage = (values: number[]) => values.map((cpuMs) => ({ cpuMs }))
  return { latencies: { candidate, baseline }, usage: { candidate: usage(candidate), baseline: usage(baseline) } }
}

const around = (typical: number) => Array.from({ length: 100 }, (_, index) => typical * (index % 2 === 0 ? 0.98 : 1.02))
const given = { prices: prices({ cpu_ms: 0.001 }), constantBaseline: false }

test('the cost of an answer is judged by its ratio to the baseline’s', () => {
  const checked = (candidate: number) =>
    costCheck(guardrail, { ...given, measured: measured(around(candidate), around(10).reverse()) })
  assert.equal(checked(10).verdict, 'pass')
  assert.equal(checked(12).verdict, 'fail')
  assert.equal(checked(11).verdict, 'cannot_tell')
})

test('a budget for a thousand answers holds alone, and also where the baseline is a constant', () => {
  const checked = (within: number) =>
    costCheck(
      { metric: 'cost_per_1k', within },
      { ...given, constantBaseline: true, measured: measured(around(10), around(0.1)) },
    )
  assert.equal(checked(10.5).verdict, 'pass')
  assert.equal(checked(9.5).verdict, 'fail')
  assert.ok(Math.abs((checked(10.5).value ?? 0) - 10) < 1e-9)
})

test('the worse of ratio and budget decides', () => {
  const both = { ...guardrail, within: 9 }
  const found = costCheck(both, { ...given, measured: measured(around(10), around(10).reverse()) })
  assert.equal(found.verdict, 'fail')
  assert.match(found.reason, /a thousand answers cost 10 .*; answers cost 1 .* times as much/)
})

test('what was not measured, has no price or no count is an error, and no table only a warning', () => {
  const few = measured([1, 1], [1, 1])
  assert.equal(costCheck(guardrail, { ...given, measured: undefined }).verdict, 'error')
  assert.equal(costCheck(guardrail, { ...given, prices: prices({ other: 1 }), measured: few }).verdict, 'error')
  assert.equal(costCheck({ metric: 'cost_per_1k' }, { ...given, measured: few }).verdict, 'error')
  const lost = measured([...around(10), Number.NaN], [...around(10), 10])
  assert.equal(costCheck(guardrail, { ...given, measured: lost }).verdict, 'error')
  assert.equal(costCheck({ metric: 'cost_per_1k', within: 99 }, { ...given, measured: lost }).verdict, 'error')
  const none = costCheck(guardrail, { ...given, prices: prices({}), measured: few })
  assert.deepEqual([none.verdict, none.required], ['cannot_tell', false])
})

test('tokens are priced by what the model calls them; a missing count is not zero', () => {
  const table = { 'm/input_token': 2, 'm/output_token': 3 }
  assert.equal(costOf({ model: 'm', inputTokens: 5, outputTokens: 7 }, table), 31)
  assert.ok(Number.isNaN(costOf({ model: 'm', inputTokens: Number.NaN, outputTokens: 7 }, table)))
  // JSON has no NaN: a record keeps it as null.
  const recorded = JSON.parse('{"model":"m","inputTokens":null,"outputTokens":7}')
  assert.ok(Number.isNaN(costOf(recorded, table)))
})
