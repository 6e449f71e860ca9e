import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model, register, spec, tripAt } from '../../../../test/support/trips.ts'
import { begin } from '../../monitoring/monitoring.fixture.ts'
import * as registry from '../../registry/registry.ts'

type Begun = Awaited<ReturnType<typeof begin>>

async function skewOf({ client }: Begun, version: number) {
  const { requirements } = await client.delivery.planRelease({ model, version })
  return requirements.find(({ requirement }) => requirement === 'train/serve skew')
}

const asTrained = (index: number) => tripAt(index).good
const moved = (index: number) => ((index * 7) % 10) / 20 + 0.5

test('a version is told to be alike what is served, and not before enough rows are', async (t) => {
  const begun = await begin(t)
  await begun.traffic({ rows: 100, good: asTrained })
  assert.deepEqual(await skewOf(begun, begun.version), {
    requirement: 'train/serve skew',
    verdict: 'cannot_tell',
    blocks: false,
    met: false,
    detail: 'cannot tell yet: 100 rows were served lately, 150 are needed',
  })
  await begun.traffic({ rows: 100, good: asTrained })
  assert.deepEqual(await skewOf(begun, begun.version), {
    requirement: 'train/serve skew',
    verdict: 'pass',
    blocks: false,
    met: true,
    detail: 'the 200 rows served last look like its training rows (1 of 1 inputs compared)',
  })
})

test('a version that learned from other rows than are served is refused, until the column is meant to differ', async (t) => {
  const begun = await begin(t)
  await begun.traffic({ rows: 240, good: moved })
  const second = await register(begun.ctx, 'good')
  const refused = await skewOf(begun, second)
  assert.deepEqual([refused?.verdict, refused?.blocks], ['fail', true])
  assert.match(
    refused?.detail ?? '',
    /^training rows like the 240 served last; "good" \(PSI \d+\.\d\d, 0\.\d\d is allowed\)/,
  )
  assert.match(
    refused?.detail ?? '',
    /name what is meant to differ under "success\.skew\.allow" in models\/trip-late\.yaml$/,
  )
  await begun.client.evaluation.runGate({ model, version: second })
  await assert.rejects(
    begun.client.delivery.release({ model, version: second, reason: 'newer' }),
    /training rows like the 240 served last/,
  )
  const monitoring = { every: '1d', min_rows: 150 } as const
  await registry.applySpec(begun.ctx, { ...spec, monitoring, success: { ...spec.success, skew: { allow: ['good'] } } })
  assert.equal((await skewOf(begun, second))?.met, true)
  await registry.applySpec(begun.ctx, { ...spec, monitoring, success: { ...spec.success, skew: { psi: 50 } } })
  assert.equal((await skewOf(begun, second))?.met, true)
})

test('inputs that nobody serves yet cannot be told, and without a training set the requirement does not apply', async (t) => {
  const begun = await begin(t)
  await begun.traffic({ rows: 200 })
  const { trainingSet } = await registry.getVersion(begun.ctx, { model, version: begun.version })
  assert.ok(trainingSet)
  const given = await registry.getVersion(begun.ctx, { model, version: begun.version })
  const base = {
    model,
    flavor: 'onnx' as const,
    artifact: given.artifact ?? '',
    service: 'trip',
    description: '',
  }
  const output = { name: 'probability', type: 'number' as const }
  const unserved = await registry.registerVersion(begun.ctx, {
    ...base,
    trainingSet,
    signature: { inputs: [{ name: 'late', type: 'number' }], columns: { good: ['late'] }, output },
  })
  assert.match(
    (await skewOf(begun, unserved.version))?.detail ?? '',
    /^cannot tell: none of its inputs is among the 200 rows/,
  )
  const bare = await registry.registerVersion(begun.ctx, {
    ...base,
    signature: { inputs: [{ name: 'good', type: 'number' }], output },
  })
  assert.equal(await skewOf(begun, bare.version), undefined)
})
