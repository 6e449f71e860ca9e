import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as registry from '../registry/registry.ts'
import * as runs from './runs.ts'

test('deleted runs and experiments are removed for good with their files, and their names are free', async (t) => {
  const ctx = await testContext(t)
  const experiment = await runs.createExperiment(ctx, { name: 'old' })
  const run = await runs.create(ctx, { experiment: 'old', name: 'first' })
  const living = await runs.create(ctx, { experiment: 'new' })
  await runs.logBatch(ctx, {
    run: run.id,
    params: { a: '1' },
    tags: { b: '2' },
    metrics: [{ key: 'm', value: 1, step: 0, at: ctx.now().toISOString() }],
  })
  const { location } = await runs.getRecord(ctx, run.id)
  const path = `${location.replace('mlflow-artifacts:/', '')}/model/weights.bin`
  await artifacts.putFile(ctx, { path }, Readable.from(['weights']))
  await runs.deleteExperiment(ctx, { id: experiment.id })

  const counted = await runs.purge(ctx, {})
  assert.deepEqual([counted.runs, counted.experiments, counted.files, counted.bytes], [1, 1, 1, 7])
  await runs.get(ctx, { run: run.id })
  assert.deepEqual(await runs.purge(ctx, { apply: true }), { ...counted, apply: true })
  await assert.rejects(runs.get(ctx, { run: run.id }))
  await assert.rejects(artifacts.getFile(ctx, { path }))
  assert.notEqual((await runs.createExperiment(ctx, { name: 'old' })).id, experiment.id)
  await runs.get(ctx, { run: living.id })
})

test('a deleted run that a version was made by stays, and so does its experiment', async (t) => {
  const ctx = await testContext(t)
  const experiment = await runs.createExperiment(ctx, { name: 'old' })
  const run = await runs.create(ctx, { experiment: 'old' })
  await registry.createModel(ctx, { name: 'm' })
  await registry.registerVersion(ctx, { model: 'm', flavor: 'mlflow', uri: `runs:/${run.id}/model` })
  await runs.deleteExperiment(ctx, { id: experiment.id })
  const { runs: removed, experiments, kept } = await runs.purge(ctx, { apply: true })
  assert.deepEqual([removed, experiments, kept], [0, 0, [run.id]])
})
