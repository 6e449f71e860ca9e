import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '../../../../test/support/context.ts'
import { startLlm } from '../../../../test/support/llm.ts'
import { spec } from '../../../../test/support/trips.ts'
import { transaction } from '../../../core/transaction.ts'
import * as evaluation from '../../evaluation/evaluation.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import { watch } from './open-window.ts'

const bot = 'support-bot'

test('a window says what a thousand answers cost, and pages when that is surely more than the budget', async (t) => {
  const llm = await startLlm()
  t.after(() => llm.close())
  const { app, client } = await testServer(t, { settings: { egress: '127.0.0.1' } })
  const { ctx, worker } = app
  await evaluation.setPrices(ctx, { prices: { 'tiny/input_token': 0.001, 'tiny/output_token': 0.01 } })
  const guardrails = [{ metric: 'cost_per_1k', within: 40 }]
  await registry.applySpec(ctx, {
    ...spec,
    model: bot,
    serves: { output: 'text', provider: { url: llm.url, model: 'tiny' } },
    success: { ...spec.success, guardrails },
    monitoring: { every: '1d', anchor: '2026-01-01T00:00:00Z', min_rows: 10 },
  })
  await registry.registerVersion(ctx, { model: bot, flavor: 'prompt', prompt: '{{question}}' })
  const routing = { endpoint: bot, live: { release: `${bot}.r1`, version: 1 }, canary: null, shadow: null, warm: [] }
  await serving.prepareRouting(ctx, routing)
  await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
  await watch(ctx, { model: bot })
  for (let index = 0; index < 30; index++)
    await client.serving.predict({ endpoint: bot, inputs: { question: `Open on day ${index}?` } })
  await serving.flushLog(ctx)
  await worker.advance(new Date('2026-01-02T00:00:00Z'))
  await worker.advance(new Date('2026-01-02T03:00:00Z'))
  const { items } = await client.monitoring.series({ model: bot })
  const cost = items.at(-1)?.costPer1k
  // 12 tokens in and 3 out, each time.
  assert.ok(cost && Math.abs(Number(cost.value) - 42) < 1e-9, JSON.stringify(items))
  assert.deepEqual([cost.n, cost.lower, cost.upper], [30, cost.value, cost.value])
  const [alert] = (await client.monitoring.listAlerts({ model: bot })).items
  assert.deepEqual([alert?.signal, alert?.threshold, alert?.severity], ['cost', 40, 'page'])
  assert.match(String(alert?.summary), /A thousand answers cost 42/)
})
