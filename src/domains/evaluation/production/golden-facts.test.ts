import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../../test/support/context.ts'
import { establish, model, register, trips } from '../../../../test/support/trips.ts'
import * as evaluation from '../evaluation.ts'

test('items that the candidate was trained on are counted, spelling and the last digits aside', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  const version = await register(ctx, 'good')
  const overlap = async () => (await evaluation.evaluate(ctx, { model, version })).representativeness?.overlap
  assert.deepEqual(await overlap(), { shared: 200, of: 200 })
  const { definition } = await evaluation.getGolden(ctx, { golden: 'trips-golden' })
  const items = trips(200).map((trip, index) => {
    if (index % 4 === 0) return { ...trip, at: trip.at.replace('2025', '2024') }
    return { ...trip, city: ` ${trip.city.toUpperCase()}`, good: trip.good + 1e-9 }
  })
  await evaluation.applyGolden(ctx, { definition, items })
  assert.deepEqual(await overlap(), { shared: 150, of: 200 })
  const gate = await evaluation.runGate(ctx, { model, version })
  const { representativeness } = gate.evidence['measured'] as { representativeness: { warnings: string[] } }
  assert.ok(representativeness.warnings.includes('150 of its 200 items are rows that the candidate was trained on'))
})
