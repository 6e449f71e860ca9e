import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testApp } from '../../../test/support/context.ts'
import type { App } from '../../app.ts'
import * as registry from '../../domains/registry/registry.ts'
import type { ModelSpec } from '../../domains/registry/spec/model-spec.ts'

const spec: ModelSpec = {
  model: 'delay',
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

/** A model with three versions; `ask` is what MLflow's client sends. */
async function start(t: TestContext) {
  const app: App = await testApp(t)
  await registry.createModel(app.ctx, { name: 'delay' })
  for (const constant of [1, 2, 3])
    await registry.registerVersion(app.ctx, { model: 'delay', flavor: 'constant', constant })
  async function ask(method: 'POST' | 'DELETE', path: string, payload: object) {
    const response = await app.server.inject({
      method,
      url: `/api/2.0/mlflow/${path}`,
      headers: { host: 'localhost' },
      payload,
    })
    const body = JSON.parse(response.body) as { error_code?: string; message?: string }
    return { status: response.statusCode, code: body.error_code, message: body.message ?? '' }
  }
  return { app, ctx: app.ctx, ask }
}

test('every move of an alias by a client of MLflow is in its history, with who and through what', async (t) => {
  const { app, ctx, ask } = await start(t)
  const alias = { name: 'delay', alias: 'champion' }
  for (const version of ['1', '2']) {
    assert.equal((await ask('POST', 'registered-models/alias', { ...alias, version })).status, 200)
    await app.worker.advance(new Date(ctx.now().getTime() + 60_000))
  }
  await ask('DELETE', 'registered-models/alias', alias)
  await ask('POST', 'registered-models/alias', { ...alias, version: '3' })
  await ask('DELETE', 'model-versions/delete', { name: 'delay', version: '3' })
  const { items } = await registry.aliasHistory(ctx, { model: 'delay', alias: 'champion' })
  assert.deepEqual(
    items.map(({ version, at, by }) => [version, at.slice(11, 16), by]),
    [
      [null, '00:02', 'local'],
      [3, '00:02', 'local'],
      [null, '00:02', 'local'],
      [2, '00:01', 'local'],
      [1, '00:00', 'local'],
    ],
  )
  assert.equal(items.at(-1)?.cause, 'mlflow.registered-models.alias')
})

test('what is live is moved by releases only: the client is told so, with what to do, and retries nothing', async (t) => {
  const { ctx, ask } = await start(t)
  await registry.moveLiveAlias(ctx, { model: 'delay', version: 1 })
  const moved = await ask('POST', 'registered-models/alias', { name: 'delay', alias: 'live', version: '2' })
  assert.deepEqual([moved.status, moved.code], [403, 'PERMISSION_DENIED'])
  assert.match(moved.message, /moved by releases only\. keel release delay@/)
  const removed = await ask('DELETE', 'registered-models/alias', { name: 'delay', alias: 'live' })
  assert.equal(removed.status, 403)
  const deleted = await ask('DELETE', 'model-versions/delete', { name: 'delay', version: '1' })
  assert.deepEqual([deleted.status, deleted.code], [403, 'PERMISSION_DENIED'])
  assert.match(deleted.message, /is live and cannot be deleted\. keel rollback delay/)
  const { items } = await registry.aliasHistory(ctx, { model: 'delay' })
  assert.deepEqual(
    items.map(({ alias, version }) => [alias, version]),
    [['live', 1]],
  )
})

test('the stage "Production" of a model that is released here says what is live, and nothing else', async (t) => {
  const { ctx, ask } = await start(t)
  const stage = { name: 'delay', stage: 'Production' }
  assert.equal((await ask('POST', 'model-versions/transition-stage', { ...stage, version: '2' })).status, 200)
  await registry.applySpec(ctx, spec)
  await registry.moveLiveAlias(ctx, { model: 'delay', version: 1 })
  const refused = await ask('POST', 'model-versions/transition-stage', { ...stage, version: '3' })
  assert.deepEqual([refused.status, refused.code], [403, 'PERMISSION_DENIED'])
  assert.match(refused.message, /not live.*keel release delay@3/)
  assert.equal((await ask('POST', 'model-versions/transition-stage', { ...stage, version: '1' })).status, 200)
  const staging = await ask('POST', 'model-versions/transition-stage', {
    name: 'delay',
    stage: 'Staging',
    version: '3',
  })
  assert.equal(staging.status, 200)
})
