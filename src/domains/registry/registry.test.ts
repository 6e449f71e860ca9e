import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeOnnx } from '../../../examples/flights/src/onnx.ts'
import { testContext, testServer } from '../../../test/support/context.ts'
import type { ProblemError } from '../../client/client.ts'
import { readEvents } from '../../core/background/events.ts'
import type { Context } from '../../core/context.ts'
import { AppError } from '../../core/errors.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as datasets from '../datasets/datasets.ts'
import * as features from '../features/features.ts'
import * as runs from '../runs/runs.ts'
import * as registry from './registry.ts'
import type { ModelSpec } from './spec/model-spec.ts'

const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code

const spec: ModelSpec = {
  model: 'flight-delay',
  owner: 'ana@team.example',
  backup: 'bo@team.example',
  purpose: 'Says at push-back whether a flight will be late.',
  serves: { output: 'binary', positive: 'late' },
  golden: 'flights-golden',
  success: { quality: { metric: 'log_loss', against: 'live', margin: 0.01 } },
  delivery: {
    targets: { frequency: 'weekly', change_fail_rate: '15%', rollback_time: '60s', alerts_per_week: 2 },
    rollout: { shadow: '30m', steps: [10, 100], bake: '1h' },
    rollback: { to: 'previous', drill_every: '30d' },
  },
  review: { every: 'week' },
}

const signature = {
  inputs: [{ name: 'distance', type: 'number' as const }],
  output: { name: 'p', type: 'number' as const },
}

/** A model file of this name, which answers with the distance. */
function echo(name: string): Buffer {
  const graph = {
    name,
    inputs: [{ name: 'distance', type: 'float', width: 1 }],
    outputs: [{ name: 'p', type: 'float', width: 1 }],
    constants: [],
    nodes: [{ op: 'Identity', inputs: ['distance'], output: 'p' }],
  } as const
  return Buffer.from(encodeOnnx(graph))
}

async function artifact(ctx: Context, text: string): Promise<string> {
  const { digest, size } = await artifacts.putBlob(ctx, {}, Readable.from([echo(text)]))
  return (await artifacts.create(ctx, { files: [{ path: 'model.onnx', digest, size }] })).digest
}

async function register(ctx: Context, model = 'flight-delay', text = 'weights') {
  return registry.registerVersion(ctx, { model, flavor: 'onnx', artifact: await artifact(ctx, text), signature })
}

test('versions are dense, whoever registers them at the same time', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'flight-delay' })
  const digest = await artifact(ctx, 'weights')
  const version = { model: 'flight-delay', flavor: 'onnx' as const, artifact: digest, signature }
  const made = await Promise.all(Array.from({ length: 8 }, () => registry.registerVersion(ctx, version)))
  assert.deepEqual(made.map(({ version }) => version).sort(), [1, 2, 3, 4, 5, 6, 7, 8])
  const { items, next } = await registry.listVersions(ctx, { model: 'flight-delay', limit: 5 })
  assert.deepEqual(
    items.map(({ version }) => version),
    [8, 7, 6, 5, 4],
  )
  const rest = await registry.listVersions(ctx, { model: 'flight-delay', ...(next ? { cursor: next } : {}) })
  assert.deepEqual(
    rest.items.map(({ version }) => version),
    [3, 2, 1],
  )
})

test('the number of a deleted version is not given again', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'flight-delay' })
  await register(ctx)
  await register(ctx)
  await registry.deleteVersion(ctx, { model: 'flight-delay', version: 2 })
  assert.equal((await register(ctx)).version, 3)
  await assert.rejects(registry.getVersion(ctx, { model: 'flight-delay', version: 2 }), withCode('not_found'))
})

test('a spec becomes a new version only when it changed', async (t) => {
  const ctx = await testContext(t)
  await registry.applySpec(ctx, spec)
  await registry.applySpec(ctx, structuredClone(spec))
  assert.equal((await registry.getModel(ctx, { model: spec.model })).specVersion, 1)
  const changed = { ...spec, purpose: 'Says at push-back whether a flight will arrive late.' }
  await registry.applySpec(ctx, changed)
  const model = await registry.getModel(ctx, { model: spec.model })
  assert.equal(model.specVersion, 2)
  assert.deepEqual(model.spec, changed)
  assert.deepEqual(await registry.requireSpec(ctx, spec.model), changed)
  assert.equal((await readEvents(ctx, { type: 'registry.spec_applied' })).length, 2)
})

test('a model without a spec is refused where one is needed, with what is missing', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'flight-delay' })
  await assert.rejects(registry.requireSpec(ctx, 'flight-delay'), (error: AppError) => {
    return error.code === 'refused_by_policy' && (error.hint ?? '').includes('models/flight-delay.yaml')
  })
})

test('an alias points at one version of its model and moves', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'flight-delay' })
  await register(ctx)
  await register(ctx)
  await registry.setAlias(ctx, { model: 'flight-delay', alias: 'champion', version: 1 })
  const model = await registry.setAlias(ctx, { model: 'flight-delay', alias: 'champion', version: 2 })
  assert.deepEqual(model.aliases, { champion: 2 })
  assert.deepEqual((await registry.getVersion(ctx, { model: 'flight-delay', version: 2 })).aliases, ['champion'])
  assert.deepEqual((await registry.getVersion(ctx, { model: 'flight-delay', version: 1 })).aliases, [])
  const missing = registry.setAlias(ctx, { model: 'flight-delay', alias: 'champion', version: 9 })
  await assert.rejects(missing, withCode('not_found'))
  assert.deepEqual((await registry.deleteAlias(ctx, { model: 'flight-delay', alias: 'champion' })).aliases, {})
  await assert.rejects(registry.deleteAlias(ctx, { model: 'flight-delay', alias: 'champion' }), withCode('not_found'))
})

test('the alias "live" is moved by releases only, and protects what it points at', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'flight-delay' })
  await register(ctx)
  const key = { model: 'flight-delay', alias: 'live' }
  await assert.rejects(registry.setAlias(ctx, { ...key, version: 1 }), withCode('refused_by_policy'))
  await registry.moveLiveAlias(ctx, { model: 'flight-delay', version: 1 })
  assert.deepEqual((await registry.getModel(ctx, { model: 'flight-delay' })).aliases, { live: 1 })
  await assert.rejects(registry.deleteAlias(ctx, key), withCode('refused_by_policy'))
  const version = { model: 'flight-delay', version: 1 }
  await assert.rejects(registry.deleteVersion(ctx, version), withCode('refused_by_policy'))
  await assert.rejects(registry.deleteModel(ctx, { model: 'flight-delay' }), withCode('refused_by_policy'))
  await registry.moveLiveAlias(ctx, { model: 'flight-delay', version: 0 })
  assert.deepEqual((await registry.getModel(ctx, { model: 'flight-delay' })).aliases, {})
})

test('a version without what its flavor needs, or from nowhere, is refused and takes no number', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'flight-delay' })
  await registry.createModel(ctx, { name: 'answer', kind: 'prompt' })
  const digest = await artifact(ctx, 'weights')
  const onnx = { model: 'flight-delay', flavor: 'onnx' as const, artifact: digest, signature }
  const wrong = [
    { model: 'flight-delay', flavor: 'onnx' as const, signature },
    { model: 'flight-delay', flavor: 'onnx' as const, artifact: digest },
    { model: 'flight-delay', flavor: 'constant' as const },
    { model: 'flight-delay', flavor: 'prompt' as const, prompt: 'Be kind.' },
    { model: 'answer', flavor: 'constant' as const, constant: 1 },
    { ...onnx, service: 'nothing' },
  ]
  for (const input of wrong) await assert.rejects(registry.registerVersion(ctx, input), withCode('invalid_input'))
  const lost = [
    { ...onnx, artifact: `sha256:${'0'.repeat(64)}` },
    { ...onnx, run: 'nobody' },
    { ...onnx, trainingSet: 'nothing' },
    { ...onnx, model: 'unknown' },
  ]
  for (const input of lost) await assert.rejects(registry.registerVersion(ctx, input), withCode('not_found'))
  assert.equal((await registry.registerVersion(ctx, onnx)).version, 1)
})

test('prompts are versions as models are', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'answer', kind: 'prompt' })
  await registry.registerVersion(ctx, { model: 'answer', flavor: 'prompt', prompt: 'Answer {{question}} kindly.' })
  const { prompt, flavor } = await registry.getVersion(ctx, { model: 'answer', version: 1 })
  assert.deepEqual({ prompt, flavor }, { prompt: 'Answer {{question}} kindly.', flavor: 'prompt' })
  assert.deepEqual(
    (await registry.listModels(ctx, { kind: 'prompt' })).items.map(({ name }) => name),
    ['answer'],
  )
  assert.deepEqual((await registry.listModels(ctx, { kind: 'model' })).items, [])
})

test('the baseline of a model answers the constant it was given', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'flight-delay' })
  assert.equal(await registry.getBaseline(ctx, 'flight-delay'), null)
  await registry.setBaseline(ctx, { model: 'flight-delay', value: 0.2 })
  assert.equal(await registry.getBaseline(ctx, 'flight-delay'), 0.2)
  const runtime = await registry.openRuntime(ctx, { model: 'flight-delay', version: 0 })
  assert.deepEqual(await runtime.predict([{}, {}]), [0.2, 0.2])
  await assert.rejects(registry.setBaseline(ctx, { model: 'nobody', value: 1 }), withCode('not_found'))
})

async function trainedVersion(ctx: Context): Promise<void> {
  const source = { source: 'flights', owner: 'ana@team.example', time: 'departs', known_at: 'departs' }
  await datasets.applySource(ctx, source)
  await datasets.append(ctx, {
    source: 'flights',
    rows: [{ departs: '2026-01-01T00:00:00Z', origin: 'ABQ', delay: 3, late: 0 }],
  })
  await features.applyFeatures(ctx, {
    entities: [{ name: 'airport', keys: ['origin'] }],
    views: [{ name: 'airport_delays', entity: 'airport', source: 'flights', features: ['delay'] }],
    services: [
      { name: 'delays', request: [{ name: 'origin', type: 'string' as const }], features: ['airport_delays:delay'] },
    ],
  })
  const trained = await features.createTrainingSet(ctx, {
    service: 'delays',
    source: 'flights',
    from: '2026-01-01T00:00:00Z',
    to: '2026-01-02T00:00:00Z',
    label: 'late',
  })
  const run = await runs.create(ctx, { experiment: 'delays' })
  await registry.createModel(ctx, { name: 'flight-delay' })
  await registry.registerVersion(ctx, {
    model: 'flight-delay',
    flavor: 'onnx',
    artifact: await artifact(ctx, 'weights'),
    signature,
    service: 'delays',
    trainingSet: trained.id,
    run: run.id,
    code: 'abc123',
    sources: ['base-model'],
  })
}

test('lineage leads from a version to its run, bytes, code, training set, features and sources', async (t) => {
  const ctx = await testContext(t)
  await trainedVersion(ctx)
  const { nodes, edges } = await registry.lineage(ctx, { model: 'flight-delay', version: 1 })
  assert.deepEqual(nodes.map(({ kind }) => kind).sort(), [
    'artifact',
    'code',
    'feature_service',
    'model_version',
    'run',
    'source',
    'source',
    'training_set',
  ])
  const names = new Set(nodes.map(({ name }) => name))
  for (const { from, to } of edges) assert.ok(names.has(from) && names.has(to), `${from} -> ${to}`)
  const reached = new Set(['flight-delay@1'])
  for (const _ of nodes) for (const { from, to } of edges) if (reached.has(to)) reached.add(from)
  assert.deepEqual(reached, names)
})

test('an unvetted source taints what it touches, until it is vetted', async (t) => {
  const ctx = await testContext(t)
  await trainedVersion(ctx)
  const tainted = async () => (await registry.getVersion(ctx, { model: 'flight-delay', version: 1 })).tainted
  assert.deepEqual(await tainted(), ['base-model', 'flights'])
  const vetted = { by: 'bo@team.example', on: '2026-01-01' }
  await datasets.applySource(ctx, {
    source: 'flights',
    owner: 'ana@team.example',
    time: 'departs',
    known_at: 'departs',
    vetted,
  })
  assert.deepEqual(await tainted(), ['base-model'])
  await datasets.applySource(ctx, { source: 'base-model', owner: 'ana@team.example', kind: 'base_model', vetted })
  assert.deepEqual(await tainted(), [])
})

test('damaged bytes of a version are not handed out', async (t) => {
  const { app, client } = await testServer(t)
  await registry.createModel(app.ctx, { name: 'flight-delay' })
  await register(app.ctx, 'flight-delay', 'weights')
  const version = { model: 'flight-delay', version: 1 }
  const downloaded = await (await client.registry.downloadVersion(version)).arrayBuffer()
  assert.deepEqual(Buffer.from(downloaded), echo('weights'))
  const { artifact } = await registry.getVersion(app.ctx, version)
  const { files } = await artifacts.get(app.ctx, { digest: artifact ?? '' })
  const hex = (files[0]?.digest ?? '').slice('sha256:'.length)
  const path = join(app.ctx.folder, 'blobs', hex.slice(0, 2), hex)
  await chmod(path, 0o644)
  await writeFile(path, 'WEIGHTS')
  await assert.rejects(
    client.registry.downloadVersion(version),
    (error: ProblemError) => error.problem.code === 'digest_mismatch',
  )
})

test('tags and descriptions can change, the rest of a version cannot', async (t) => {
  const { app, client } = await testServer(t)
  await client.registry.createModel({ name: 'a model, named freely', tags: { team: 'delays' } })
  await register(app.ctx, 'a model, named freely')
  const key = { model: 'a model, named freely', version: 1 }
  const before = await client.registry.getVersion(key)
  await client.registry.tagVersion({ ...key, key: 'checked/by', value: 'bo' })
  await client.registry.updateVersion({ ...key, description: 'The first one' })
  const after = await client.registry.getVersion(key)
  assert.deepEqual(after, { ...before, description: 'The first one', tags: { 'checked/by': 'bo' } })
  assert.deepEqual((await client.registry.untagVersion({ ...key, key: 'checked/by' })).tags, {})
  await client.registry.tagModel({ model: key.model, key: 'tier', value: '1' })
  const model = await client.registry.untagModel({ model: key.model, key: 'team' })
  assert.deepEqual(model.tags, { tier: '1' })
})

test('a model is renamed with all that belongs to it, unless a spec or production knows its name', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'old', tags: { tier: '1' } })
  await register(ctx, 'old')
  await registry.setAlias(ctx, { model: 'old', alias: 'champion', version: 1 })
  await registry.renameModel(ctx, { model: 'old', name: 'new' })
  const { aliases, tags } = await registry.getModel(ctx, { model: 'new' })
  assert.deepEqual({ aliases, tags }, { aliases: { champion: 1 }, tags: { tier: '1' } })
  await assert.rejects(registry.getModel(ctx, { model: 'old' }), withCode('not_found'))
  await registry.applySpec(ctx, spec)
  await assert.rejects(registry.renameModel(ctx, { model: spec.model, name: 'x' }), withCode('refused_by_policy'))
})

test('the newest registration wins no race over the history: aliases always name a version that exists', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'flight-delay' })
  const digest = await artifact(ctx, 'weights')
  const step = fc.oneof(
    fc.constant({ do: 'register' as const }),
    fc.record({
      do: fc.constant('alias' as const),
      alias: fc.constantFrom('a', 'b'),
      version: fc.integer({ min: 1, max: 6 }),
    }),
    fc.record({ do: fc.constant('delete' as const), version: fc.integer({ min: 1, max: 6 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      for (const move of steps) {
        const made =
          move.do === 'register'
            ? registry.registerVersion(ctx, { model: 'flight-delay', flavor: 'onnx', artifact: digest, signature })
            : move.do === 'alias'
              ? registry.setAlias(ctx, { model: 'flight-delay', alias: move.alias, version: move.version })
              : registry.deleteVersion(ctx, { model: 'flight-delay', version: move.version })
        await made.catch((error: unknown) => assert.ok(withCode('not_found')(error), String(error)))
      }
      const { items } = await registry.listVersions(ctx, { model: 'flight-delay', limit: 1000 })
      const { aliases, latestVersion } = await registry.getModel(ctx, { model: 'flight-delay' })
      for (const version of Object.values(aliases)) assert.ok(items.some((item) => item.version === version))
      assert.ok(items.every((item) => item.version <= latestVersion))
    }),
    { numRuns: 15 },
  )
})
