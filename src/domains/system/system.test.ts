import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApp, testContext, testServer } from '../../../test/support/context.ts'
import type { Context } from '../../core/context.ts'
import { transaction } from '../../core/transaction.ts'
import { enqueue } from '../pipelines/jobs.ts'
import * as registry from '../registry/registry.ts'
import * as system from './system.ts'

async function checkOf(ctx: Context, name: string) {
  const { findings } = await system.doctor(ctx)
  return findings.find(({ check }) => check === name)
}

test('doctor finds a sound database, enough space, no failed work and whole blobs on a new folder', async (t) => {
  const { findings } = await system.doctor(await testContext(t))
  assert.deepEqual(findings.map(({ check, state }) => `${check} ${state}`).sort(), [
    'artifacts ok',
    'database ok',
    'jobs ok',
    'space ok',
  ])
})

test('work that failed for good is named by doctor with what to do', async (t) => {
  const { ctx, worker } = await testApp(t)
  await transaction(ctx, (ctx) =>
    enqueue(ctx, { kind: 'pipelines.run', payload: { pipelineRun: 'prun_none' }, key: 'pipelines.run/prun_none' }),
  )
  await worker.drain()
  const finding = await checkOf(ctx, 'jobs')
  assert.notEqual(finding?.state, 'ok')
  assert.match(finding?.message ?? '', /\b1\b/)
})

test('a simulated clock goes forward only, and runs what falls due on the way', async (t) => {
  const { app, client } = await testServer(t)
  const before = app.ctx.now().toISOString()
  const later = new Date(app.ctx.now().getTime() + 3_600_000).toISOString()
  await client.system.advanceClock({ to: later })
  assert.equal((await client.system.info({})).now, later)
  await assert.rejects(client.system.advanceClock({ to: before }), { message: /.+/ })
  assert.equal((await system.savedClock(app.ctx))?.toISOString(), later)
})

test('the audit log is read newest first, or oldest first from a sequence number, and by type and subject', async (t) => {
  const { app, client } = await testServer(t)
  for (const name of ['a', 'b', 'c']) await registry.createModel(app.ctx, { name, kind: 'model' })
  const newest = await client.system.events({ limit: 2, type: 'registry.model_created' })
  assert.deepEqual(
    newest.items.map(({ subject }) => subject),
    ['model/c', 'model/b'],
  )
  const oldest = await client.system.events({ after: 0, limit: 2, type: 'registry.model_created' })
  assert.deepEqual(
    oldest.items.map(({ subject }) => subject),
    ['model/a', 'model/b'],
  )
  const ofB = await client.system.events({ subject: 'model/b' })
  assert.deepEqual(
    ofB.items.map(({ type }) => type),
    ['registry.model_created'],
  )
})

test('a job that does not exist is refused by its id', async (t) => {
  const { client } = await testServer(t)
  await assert.rejects(
    client.system.getJob({ job: 'job_none' }),
    (error: { problem: { code: string; name?: string } }) => {
      assert.deepEqual([error.problem.code, error.problem.name], ['not_found', 'job_none'])
      return true
    },
  )
})
