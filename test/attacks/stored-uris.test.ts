import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../support/context.ts'
import { rawJson } from '../support/raw-http.ts'

/** Places on the server's machine, or outside what they seem to name, as callers have written them. */
const local = [
  '/etc',
  '../../etc',
  'etc',
  'C:\\Windows',
  'file:///etc',
  'FILE:///etc',
  'file:/etc',
  'http:///#/../../etc/',
  'http://x/?/../../etc',
  'dbfs:/a/../../etc',
  's3://bucket/../../etc',
  's3://bucket/%2e%2e/%2e%2e/etc',
  's3://bucket/%252e%252e/etc',
  'mlflow-artifacts:/../../etc',
  'mlflow-artifacts:/%2e%2e/etc',
  'mlflow-artifacts:/a/..\\..\\etc',
  'runs:/x/../../etc',
  'models:/../../etc',
  ' file:///etc',
  '\u0000file:///etc',
]

async function mlflow(t: TestContext) {
  const { url } = await testServer(t)
  return async (path: string, body: object, method = 'POST') => {
    const reply = await rawJson(url, `/api/2.0/mlflow/${path}`, body, method)
    return { status: reply.status, ...JSON.parse(reply.text) }
  }
}

test('a place on the machine, or one that climbs, is refused where an experiment is told where its artifacts lie', async (t) => {
  const post = await mlflow(t)
  for (const [index, artifact_location] of local.entries()) {
    const reply = await post('experiments/create', { name: `e${index}`, artifact_location })
    assert.deepEqual([reply.status, reply.error_code], [400, 'INVALID_PARAMETER_VALUE'], artifact_location)
  }
})

test('it is refused as the source of a version, also when a tag says that the version is a prompt', async (t) => {
  const post = await mlflow(t)
  const promptTag = { key: 'mlflow.prompt.is_prompt', value: 'true' }
  await post('registered-models/create', { name: 'm' })
  await post('registered-models/create', { name: 'tagged later' })
  await post('registered-models/set-tag', { name: 'tagged later', ...promptTag })
  for (const source of local) {
    for (const name of ['m', 'tagged later']) {
      for (const tags of [[], [promptTag]]) {
        const reply = await post('model-versions/create', { name, source, tags })
        assert.deepEqual([reply.status, reply.error_code], [400, 'INVALID_PARAMETER_VALUE'], `${name} ${source}`)
      }
    }
  }
})

test('what a prompt names as its source is never opened', async (t) => {
  const post = await mlflow(t)
  const promptTag = { key: 'mlflow.prompt.is_prompt', value: 'true' }
  await post('registered-models/create', { name: 'p', tags: [promptTag] })
  const tags = [promptTag, { key: 'mlflow.prompt.text', value: 'Say it.' }]
  const { status } = await post('model-versions/create', { name: 'p', source: 'dummy-source', tags })
  assert.equal(status, 200)
  for (const source of ['/etc', 'file:///etc', '../../etc']) {
    const made = await post('model-versions/create', { name: 'p', source, tags })
    assert.ok(made.status === 400 || made.model_version.run_id === undefined, source)
    if (made.status === 200) assert.equal(made.model_version.status, 'READY')
  }
})

test('a name is the same name however it is escaped, or is refused', async (t) => {
  const post = await mlflow(t)
  assert.equal((await post('registered-models/create', { name: 'model' })).status, 200)
  assert.equal((await post('registered-models/create', { name: 'model' })).error_code, 'RESOURCE_ALREADY_EXISTS')
  for (const name of ['a/b', 'a:b', '', ' ', '..%2f'.replace('%2f', '/'), 'x'.repeat(256), 'a\u0000b', 'a\nb'])
    assert.equal((await post('registered-models/create', { name })).status, 400, JSON.stringify(name))
  const escaped = await post('registered-models/create', { name: 'mod%65l' })
  if (escaped.status === 200) {
    const { model_version } = await post('model-versions/create', { name: 'mod%65l', source: 's3://b/own' })
    assert.equal(model_version.name, 'mod%65l')
    const got = await post('registered-models/get-latest-versions', { name: 'model' })
    assert.equal(got.model_versions, undefined)
  } else assert.equal(escaped.status, 400)
})
