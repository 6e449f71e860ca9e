import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { model, register, spec, tripAt } from '../../../../test/support/trips.ts'
import * as artifacts from '../../artifacts/artifacts.ts'
import * as features from '../../features/features.ts'
import { begin } from '../../monitoring/monitoring.fixture.ts'
import * as registry from '../../registry/registry.ts'
import * as delivery from '../delivery.ts'

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

test('an input that looks as if it knew the answer may be allowed with a reason; that is signed once, for all versions to come', async (t) => {
  const begun = await begin(t)
  const rows = Array.from({ length: 400 }, (_, index) => ({
    good: tripAt(index).good,
    late: tripAt(index).good > 0.5 ? 1 : 0,
  }))
  const text = ['good,late', ...rows.map(({ good, late }) => `${good},${late}`)].join('\n')
  const stored = await artifacts.putBlob(begun.ctx, {}, Readable.from([Buffer.from(text)]))
  const { digest } = await artifacts.create(begun.ctx, { files: [{ path: 'train.csv', ...stored }] })
  const { id: trainingSet } = await features.importTrainingSet(begun.ctx, { artifact: digest, label: 'late' })
  const another = async () => {
    const { artifact, signature } = await registry.getVersion(begun.ctx, { model, version: begun.version })
    const made = await registry.registerVersion(begun.ctx, {
      model,
      flavor: 'onnx',
      artifact: artifact ?? '',
      ...(signature ? { signature } : {}),
      service: 'trip',
      trainingSet,
    })
    await begun.client.evaluation.runGate({ model, version: made.version })
    return made.version
  }
  const leakageOf = async (version: number) => {
    const { requirements } = await begun.client.delivery.planRelease({ model, version })
    const found = requirements.find(({ requirement }) => requirement === 'leakage')
    return { blocks: found?.blocks, detail: found?.detail ?? '' }
  }
  const first = await another()
  const refused = await leakageOf(first)
  assert.equal(refused.blocks, true)
  assert.match(
    refused.detail,
    /"good" \(AUC 1\.000\) orders the labels almost alone \(or a second person: .*"success\.leakage\.allow"/,
  )
  const allow = [{ input: 'good', because: 'It is measured before the trip begins.' }]
  await registry.applySpec(begun.ctx, { ...spec, success: { ...spec.success, leakage: { allow } } })
  assert.equal((await leakageOf(first)).blocks, true, 'nobody has signed it')
  await begun.client.evaluation.runGate({ model, version: first })
  const bo = { ...begun.ctx, actor: { name: 'bo', role: 'member' as const, kind: 'token' as const } }
  await delivery.approve(bo, { model, version: first, reason: 'measured before, indeed' })
  const next = await leakageOf(await another())
  assert.equal(next.blocks, false)
  assert.match(next.detail, /but for "good", which the spec allows and bo signed/)
  const other = [{ input: 'good', because: 'For another reason than was signed.' }]
  await begun.client.system.advanceClock({ to: new Date(begun.ctx.now().getTime() + 1_000).toISOString() })
  await registry.applySpec(begun.ctx, { ...spec, success: { ...spec.success, leakage: { allow: other } } })
  assert.equal((await leakageOf(await another())).blocks, true)
})
