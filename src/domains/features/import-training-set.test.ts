import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import type { Context } from '../../core/context.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as datasets from '../datasets/datasets.ts'
import * as registry from '../registry/registry.ts'
import * as features from './features.ts'

async function csvOf(ctx: Context, trainingSet: string): Promise<string> {
  const { stream } = await features.downloadTrainingSet(ctx, { trainingSet })
  return text(typeof stream === 'function' ? await stream() : stream)
}

async function artifactOf(ctx: Context, files: Record<string, string>): Promise<string> {
  const stored = []
  for (const [path, content] of Object.entries(files))
    stored.push({ path, ...(await artifacts.putBlob(ctx, {}, Readable.from([Buffer.from(content)]))) })
  return (await artifacts.create(ctx, { files: stored })).digest
}

const csv = 'age,city,signed_up,churned\n31,Bonn,2026-01-01T10:00:00Z,1\n44,Ulm,2026-01-03,0\n28,Bonn,2026-01-02,1\n'

test('a table that was joined elsewhere is a training set: its rows, its period, the mean of its label', async (t) => {
  const ctx = await testContext(t)
  const artifact = await artifactOf(ctx, { 'train.csv': csv, 'README.md': 'rows' })
  const set = await features.importTrainingSet(ctx, { artifact, label: 'churned', time: 'signed_up' })
  assert.deepEqual(
    [set.rows, set.columns, set.from, set.to, set.service, set.source, set.vetted],
    [3, ['time', 'age', 'city', 'churned'], '2026-01-01T10:00:00.000Z', '2026-01-03T00:00:00.001Z', null, null, false],
  )
  assert.equal(await features.labelMean(ctx, set.id), 2 / 3)
  const rows = await features.trainingRows(ctx, set.id)
  assert.deepEqual(
    rows.map(({ age, city, churned }) => [age, city, churned]),
    [
      [31, 'Bonn', 1],
      [44, 'Ulm', 0],
      [28, 'Bonn', 1],
    ],
  )
  const again = await features.importTrainingSet(ctx, { artifact, label: 'churned', time: 'signed_up' })
  assert.equal(again.digest, set.digest)
  assert.match(await csvOf(ctx, set.id), /^time,age,city,churned\n2026-01-01T10:00:00/)
})

test('rows without a time, and classes for labels, are taken as they are', async (t) => {
  const ctx = await testContext(t)
  const artifact = await artifactOf(ctx, {
    'rows.jsonl': '{"x": 1, "time": "soon", "kind": "cat"}\n{"x": 2, "time": "late", "kind": "dog"}\n',
  })
  const set = await features.importTrainingSet(ctx, { artifact, label: 'kind' })
  assert.deepEqual([set.from, set.to, set.columns], [null, null, ['x', 'time', 'kind']])
  assert.equal(await features.labelMean(ctx, set.id), null)
  assert.match(await csvOf(ctx, set.id), /1,soon,cat/)
})

test('its rows are vetted as the source is that they are said to come from', async (t) => {
  const ctx = await testContext(t)
  const artifact = await artifactOf(ctx, { 'train.csv': csv })
  await assert.rejects(features.importTrainingSet(ctx, { artifact, source: 'crm' }), /"crm" does not exist/)
  await datasets.applySource(ctx, { source: 'crm', owner: 'ann@team.example' })
  const set = await features.importTrainingSet(ctx, { artifact, source: 'crm', label: 'churned' })
  assert.deepEqual([set.source, set.vetted], ['crm', false])
})

test('a table that cannot be meant is refused by name, and nothing is kept', async (t) => {
  const ctx = await testContext(t)
  const two = await artifactOf(ctx, { 'a.csv': csv, 'b.csv': csv })
  await assert.rejects(features.importTrainingSet(ctx, { artifact: two }), /holds several tables: a\.csv, b\.csv/)
  assert.equal((await features.importTrainingSet(ctx, { artifact: two, file: 'b.csv' })).rows, 3)
  const one = await artifactOf(ctx, { 'a.csv': csv })
  for (const [request, said] of [
    [{ label: 'churn' }, /has no column "churn"/],
    [{ time: 'city' }, /row 1, column "city": "Bonn"/],
    [{ file: 'c.csv' }, /has no file "c\.csv"/],
  ] as const)
    await assert.rejects(features.importTrainingSet(ctx, { artifact: one, ...request }), said)
  await assert.rejects(
    features.importTrainingSet(ctx, { artifact: await artifactOf(ctx, { 'a.txt': 'x' }) }),
    /holds no table/,
  )
  await assert.rejects(
    features.importTrainingSet(ctx, { artifact: await artifactOf(ctx, { 'a.csv': 'x\n' }) }),
    /no rows/,
  )
  assert.equal((await features.listTrainingSets(ctx, {})).items.length, 1)
})

test('a version is told once what it was trained on, and names it in its lineage', async (t) => {
  const ctx = await testContext(t)
  const artifact = await artifactOf(ctx, { 'train.csv': csv })
  const [first, second] = [
    await features.importTrainingSet(ctx, { artifact }),
    await features.importTrainingSet(ctx, { artifact, label: 'churned' }),
  ]
  await registry.createModel(ctx, { name: 'churn' })
  await registry.registerVersion(ctx, { model: 'churn', flavor: 'constant', constant: 0.5 })
  const named = await registry.setTrainingSet(ctx, { model: 'churn', version: 1, trainingSet: first.id })
  assert.equal(named.trainingSet, first.id)
  await registry.setTrainingSet(ctx, { model: 'churn', version: 1, trainingSet: first.id })
  await assert.rejects(
    registry.setTrainingSet(ctx, { model: 'churn', version: 1, trainingSet: second.id }),
    /was trained on/,
  )
  const { nodes, tainted } = await registry.lineage(ctx, { model: 'churn', version: 1 })
  assert.match(nodes.find(({ kind }) => kind === 'training_set')?.detail ?? '', /^3 rows, joined elsewhere/)
  assert.deepEqual(tainted, [])
})
