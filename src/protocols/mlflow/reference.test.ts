import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testApp } from '../../../test/support/context.ts'
import * as features from '../../domains/features/features.ts'
import * as registry from '../../domains/registry/registry.ts'

type Reply = { status: number; body: Record<string, unknown>; message: string }

/** A server, a run with training rows among its artifacts, and what MLflow's client sends. */
async function begin(t: TestContext) {
  const { ctx, server } = await testApp(t)
  const headers = { host: 'localhost' }
  async function ask(path: string, payload: object): Promise<Reply> {
    const response = await server.inject({ method: 'POST', url: `/api/2.0/mlflow/${path}`, headers, payload })
    const body = JSON.parse(response.body) as Record<string, unknown>
    return { status: response.statusCode, body, message: String(body['message'] ?? '') }
  }
  const made = await ask('runs/create', { experiment_id: '0' })
  const { run_id: run, artifact_uri: uri } = (made.body['run'] as { info: Record<string, string> }).info
  const base = `/api/2.0/mlflow-artifacts/artifacts/${(uri ?? '').replace('mlflow-artifacts:/', '')}`
  const put = (path: string, payload: string) =>
    server.inject({ method: 'PUT', url: `${base}/${path}`, headers, payload })
  await put('data/train.csv', 'age,city,churned\n31,Ulm,0\n45,Bonn,1\n52,Ulm,1\n28,Bonn,0\n')
  await put('model/notes.txt', 'no model, only a file\n')
  await ask('registered-models/create', { name: 'churn' })
  const register = (tags: Record<string, string> = {}) =>
    ask('model-versions/create', {
      name: 'churn',
      source: `${uri}/model`,
      run_id: run,
      tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
    })
  const tag = (version: string, key: string, value: string) =>
    ask('model-versions/set-tag', { name: 'churn', version, key, value })
  const setOf = async (version: number) => {
    const { trainingSet } = await registry.getVersion(ctx, { model: 'churn', version })
    return trainingSet === null ? null : features.getTrainingSet(ctx, { trainingSet })
  }
  return { ctx, ask, register, tag, setOf, run: run ?? '', uri }
}

test('a tag of the run names the training rows among its artifacts when a version is registered', async (t) => {
  const { ask, register, setOf, run } = await begin(t)
  const ofRun = (key: string, value: string) => ask('runs/set-tag', { run_id: run, key, value })
  await ofRun('keel.reference', 'data/train.csv')
  await ofRun('keel.reference.label', 'churned')
  assert.equal((await register()).status, 200)
  const set = await setOf(1)
  assert.deepEqual([set?.rows, set?.label, set?.columns], [4, 'churned', ['age', 'city', 'churned']])
})

test('a tag of the version does so later, once, and the same again changes nothing', async (t) => {
  const { ctx, register, tag, setOf } = await begin(t)
  await register({ 'keel.reference.label': 'churned' })
  assert.equal(await setOf(1), null)
  assert.equal((await tag('1', 'keel.reference', 'data/train.csv')).status, 200)
  const set = await setOf(1)
  assert.equal(set?.label, 'churned')
  assert.equal((await tag('1', 'keel.reference', 'data/train.csv')).status, 200)
  assert.equal((await setOf(1))?.id, set?.id)
  const other = await tag('1', 'keel.reference', 'data/other.csv')
  assert.deepEqual([other.status, (await features.listTrainingSets(ctx, {})).items.length], [400, 1])
  assert.match(other.message, /that is said once/)
  await register({ 'keel.reference': set?.id ?? '' })
  assert.equal((await setOf(2))?.id, set?.id)
})

test('a dataset that the run logged is in the lineage, and its digest names rows that are here', async (t) => {
  const { ctx, ask, register, setOf, run } = await begin(t)
  const dataset = (name: string, digest: string, source: string) => ({
    dataset: { name, digest, source_type: 'code', source },
    tags: [{ key: 'mlflow.data.context', value: 'training' }],
  })
  await ask('runs/log-inputs', {
    run_id: run,
    datasets: [
      dataset('customers', 'abc123', JSON.stringify({ uri: `runs:/${run}/data/train.csv` })),
      dataset('elsewhere', 'def456', JSON.stringify({ uri: 's3://bucket/train.csv' })),
    ],
  })
  assert.equal((await register({ 'keel.reference': 'abc123', 'keel.reference.label': 'churned' })).status, 200)
  assert.equal((await setOf(1))?.rows, 4)
  const { nodes, edges } = await registry.lineage(ctx, { model: 'churn', version: 1 })
  assert.deepEqual(
    nodes.filter(({ kind }) => kind === 'dataset').map(({ name, detail }) => [name, detail]),
    [
      ['customers (abc123)', 'read for training, code'],
      ['elsewhere (def456)', 'read for training, code'],
    ],
  )
  assert.ok(edges.some(({ from, to }) => from === 'customers (abc123)' && to === run))
  const elsewhere = await register({ 'keel.reference': 'def456' })
  assert.deepEqual([elsewhere.status, /"def456" are not on this server/.test(elsewhere.message)], [400, true])
})

test('a tag that names nothing, or no table, is refused by name, and no version is made', async (t) => {
  const { ctx, register, tag } = await begin(t)
  for (const [named, label, said] of [
    ['data/nothing.csv', 'churned', /no artifact and no dataset "data\/nothing\.csv"/],
    ['../../etc/passwd', 'churned', /no artifact|path/i],
    ['model/notes.txt', 'churned', /no table/],
    ['data/train.csv', 'chrned', /no column "chrned"/],
  ] as const) {
    const reply = await register({ 'keel.reference': named, 'keel.reference.label': label })
    assert.deepEqual([reply.status, said.test(reply.message)], [400, true], `${named}: ${reply.message}`)
  }
  assert.deepEqual((await registry.listVersions(ctx, { model: 'churn' })).items, [])
  assert.deepEqual((await features.listTrainingSets(ctx, {})).items, [])
  await register()
  assert.equal((await tag('1', 'keel.reference', 'data/nothing.csv')).status, 400)
  assert.deepEqual((await registry.getVersion(ctx, { model: 'churn', version: 1 })).tags, {})
})
