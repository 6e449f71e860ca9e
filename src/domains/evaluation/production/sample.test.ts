import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext, testServer } from '../../../../test/support/context.ts'
import type { Context } from '../../../core/context.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/model-spec.ts'
import { establish, makeItems, makeSpec, registerEcho, type TestItem } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'

const model = 'flight-delay'

/** What production asked, as the log has it: like the golden items, from another stretch of the same flights. */
function trafficOf(items: TestItem[], label: (item: TestItem) => number) {
  const at = '2025-12-20T00:00:00.000Z'
  return items.map((item) => ({
    at,
    inputs: { origin: item.origin, good: item.good },
    output: item.good,
    version: 1,
    label: label(item),
  }))
}

const period = { from: '2025-12-04T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' }

async function live(ctx: Context, success: Partial<ModelSpec['success']> = {}) {
  await establish(ctx, { spec: makeSpec({ slices: ['origin'], ...success }) })
  await registerEcho(ctx, 'good')
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
}

test('every evaluation tells how its golden set compares with the newest sample of production', async (t) => {
  const { client, app } = await testServer(t)
  await live(app.ctx)
  const before = await client.evaluation.evaluate({ model, version: 2 })
  assert.deepEqual(before.representativeness?.warnings.slice(0, 1), [
    'no sample of production was recorded yet, so nothing tells whether the set is like it',
  ])
  const traffic = makeItems(1000).slice(400)
  await client.evaluation.recordTraffic({ model, ...period, rows: trafficOf(traffic, ({ late }) => late) })
  const { sample } = await client.evaluation.getTraffic({ model })
  assert.deepEqual([sample?.rows, sample?.from], [600, period.from])
  const { representativeness } = await client.evaluation.evaluate({ model, version: 2 })
  assert.equal(representativeness?.population?.n, 600)
  assert.ok((representativeness?.coverage?.share ?? 0) > 0.95)
  assert.ok(Math.abs((representativeness?.domainAuc?.value ?? 0) - 0.5) < 0.08)
  assert.ok((representativeness?.novelty?.value ?? 1) < 0.12)
  assert.equal(representativeness?.fresh?.stale, false)
  assert.equal(representativeness?.age?.under90Days, 0)
})

test('a spec may demand a set that covers traffic and is not stale; without that it only warns', async (t) => {
  const ctx = await testContext(t)
  await live(ctx, { golden: { coverage: 0.9, stale: 'block' } })
  const check = async (name: string) => {
    const { checks } = await evaluation.runGate(ctx, { model, version: 2 })
    return checks.find((one) => one.check === name)
  }
  assert.match((await check('golden coverage'))?.reason ?? '', /no sample of production tells/)
  assert.equal((await check('golden fresh'))?.verdict, 'cannot_tell')
  const same = makeItems(1000).slice(400)
  await evaluation.recordTraffic(ctx, { model, ...period, rows: trafficOf(same, ({ late }) => late) })
  assert.deepEqual(
    [(await check('golden coverage'))?.verdict, (await check('golden fresh'))?.verdict],
    ['pass', 'pass'],
  )
  const moved = same.map((item) => ({ ...item, origin: 'SFO' }))
  await evaluation.recordTraffic(ctx, { model, ...period, rows: trafficOf(moved, ({ late }) => 1 - late) })
  const [coverage, fresh] = [await check('golden coverage'), await check('golden fresh')]
  assert.deepEqual([coverage?.verdict, coverage?.required, coverage?.value], ['cannot_tell', true, 0])
  assert.match(fresh?.reason ?? '', /the set is stale/)
  await registry.applySpec(ctx, makeSpec({ slices: ['origin'] }))
  const warned = await check('golden set')
  assert.deepEqual([warned?.verdict, warned?.required], ['cannot_tell', false])
  assert.match(warned?.reason ?? '', /it covers 0 % of traffic; most is missing in origin=SFO/)
})
