import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApp } from '../../../test/support/context.ts'
import * as datasets from '../datasets/datasets.ts'
import * as features from './features.ts'

const at = '2026-01-01T00:00:00Z'
const clicks = (count: number) => Array.from({ length: count }, () => ({ user: 'u', at }))

test('rows that arrive while the online state is built anew are in it', async (t) => {
  const { ctx } = await testApp(t)
  for (const source of ['clicks', 'slow']) {
    await datasets.applySource(ctx, { source, owner: 'ana@team.example', time: 'at' })
    await datasets.append(ctx, { source, rows: clicks(2_000) })
  }
  const view = (name: string, source: string) => ({
    name,
    entity: 'user',
    source,
    aggregates: [{ feature: `${name}_count`, fn: 'count' as const, window: '1h' }],
  })
  await features.applyFeatures(ctx, {
    entities: [{ name: 'user', keys: ['user'] }],
    views: [view('clicks', 'clicks'), view('slow', 'slow')],
    services: [
      { name: 'counts', request: [{ name: 'user', type: 'string' as const }], features: ['clicks:clicks_count'] },
    ],
  })
  await features.warmUp(ctx)

  let isBuilt = false
  const built = features.warmUp(ctx).then(() => {
    isBuilt = true
  })
  let appended = 2_000
  while (!isBuilt) {
    await datasets.append(ctx, { source: 'clicks', rows: clicks(1) })
    appended += 1
  }
  await built
  assert.ok(appended > 2_000)
  const { values } = features.lookupOnline(ctx, {
    service: 'counts',
    request: { user: 'u' },
    at: new Date('2026-01-01T00:30:00Z'),
  })
  assert.equal(values['clicks_count'], appended)
})

test('of two builds of the online state at once, the one that began later stays, whichever ends last', async (t) => {
  const { ctx } = await testApp(t)
  await datasets.applySource(ctx, { source: 'clicks', owner: 'ana@team.example', time: 'at' })
  await datasets.append(ctx, { source: 'clicks', rows: clicks(3) })
  const counting = (feature: string) => ({
    entities: [{ name: 'user', keys: ['user'] }],
    views: [
      {
        name: 'clicks',
        entity: 'user',
        source: 'clicks',
        aggregates: [{ feature, fn: 'count' as const, window: '1h' }],
      },
    ],
    services: [
      { name: 'counts', request: [{ name: 'user', type: 'string' as const }], features: [`clicks:${feature}`] },
    ],
  })
  await features.applyFeatures(ctx, counting('old_count'))
  const reading = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const older = features.warmUp({
    ...ctx,
    lake: {
      ...ctx.lake,
      async session(work) {
        reading.resolve()
        await goOn.promise
        return ctx.lake.session(work)
      },
    },
  })
  await reading.promise
  await features.applyFeatures(ctx, counting('new_count'))
  await features.warmUp(ctx)
  goOn.resolve()
  await older
  const { values } = features.lookupOnline(ctx, {
    service: 'counts',
    request: { user: 'u' },
    at: new Date('2026-01-01T00:30:00Z'),
  })
  assert.deepEqual(values, { user: 'u', new_count: 3 })
})
