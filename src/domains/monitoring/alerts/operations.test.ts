import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../../test/support/context.ts'
import { model, registered } from '../../../../test/support/trips.ts'
import { day } from '../../../core/duration.ts'
import { transaction } from '../../../core/transaction.ts'
import * as pipelines from '../../pipelines/pipelines.ts'
import * as registry from '../../registry/registry.ts'
import * as monitoring from '../monitoring.ts'

const nightly = (run: string) => ({
  pipeline: 'train',
  schedule: { cron: '0 3 * * *' },
  steps: [{ name: 'fit', run, cache: false }],
})

async function begin(t: TestContext) {
  const { app, client } = await testServer(t, { from: registered })
  const { ctx } = app
  /** A night in which the pipeline runs as it is declared. */
  async function night(run: string): Promise<void> {
    await pipelines.applyPipeline(ctx, nightly(run))
    await client.system.advanceClock({ to: new Date(ctx.now().getTime() + day).toISOString() })
  }
  const alerts = async () =>
    (await client.monitoring.listAlerts({})).items
      .filter(({ signal }) => signal === 'operation')
      .map(({ model, subject, state, severity, quiet }) => ({ model, subject, state, severity, quiet }))
  const told = async (type: string) =>
    (await client.system.events({ limit: 1_000 })).items.filter((event) => event.type === type).length
  return { app, ctx, client, night, alerts, told }
}

test('a scheduled run that fails is one alert for as long as it fails, and the next good one resolves it', async (t) => {
  const { client, ctx, night, alerts, told } = await begin(t)
  await night('true')
  assert.deepEqual(await alerts(), [])
  await night('exit 3')
  const failing = { model: 'pipeline.train', subject: 'pipeline/train', severity: 'page', quiet: null }
  assert.deepEqual(await alerts(), [{ ...failing, state: 'firing' }])
  const [alert] = (await client.monitoring.listAlerts({})).items
  assert.match(
    alert?.summary ?? '',
    /^The scheduled run "prun_.*" of "train" failed: its step "fit" failed\. Exit code 3\.$/,
  )
  await night('exit 3')
  assert.deepEqual([(await alerts()).length, await told('monitoring.alerts_raised')], [1, 1])
  await night('true')
  assert.deepEqual(await alerts(), [{ ...failing, state: 'resolved' }])
  assert.equal(await told('monitoring.alerts_resolved'), 1)
  await pipelines.applyPipeline(ctx, nightly('exit 3'))
  const { id } = await client.pipelines.start({ pipeline: 'train' })
  await client.system.advanceClock({ to: new Date(ctx.now().getTime() + 1_000).toISOString() })
  assert.equal((await client.pipelines.getRun({ pipelineRun: id })).state, 'failed')
  assert.equal((await alerts()).length, 1, 'whoever starts a run looks at it')
})

test("of a pipeline that makes a model the alert is the model's: its rules and silences hold, and it counts as its page", async (t) => {
  const { client, ctx, night, alerts } = await begin(t)
  await night('true')
  const [run] = (await client.pipelines.listRuns({ pipeline: 'train' })).items
  const { version } = await registry.registerVersion(ctx, {
    model,
    flavor: 'constant',
    constant: 0.5,
    run: run?.run ?? '',
  })
  assert.equal(version, 2)
  await night('exit 3')
  assert.deepEqual(
    (await alerts()).map((alert) => [alert.model, alert.severity, alert.quiet]),
    [[model, 'page', null]],
  )
  assert.equal((await client.monitoring.listRules({ model })).budget.pages, 1)
  assert.equal((await client.delivery.metrics({ model, from: '2026-01-01T00:00:00Z' })).alerts.pages, 1)
  await night('true')
  await client.monitoring.silence({
    model,
    reason: 'the cluster moves',
    to: new Date(ctx.now().getTime() + 9 * day).toISOString(),
  })
  await night('exit 3')
  assert.match((await alerts())[0]?.quiet ?? '', /^silence until /)
})

test('a job that is planned by the platform and fails for good is an alert, and no window resolves it', async (t) => {
  const { app, ctx, alerts, night } = await begin(t)
  const job = { model, what: 'drill' }
  await transaction(ctx, (ctx) => monitoring.alertJob(ctx, job, { error: 'the disk is full' }))
  await night('true')
  await app.worker.drain()
  assert.deepEqual(
    (await alerts()).map(({ subject, state }) => [subject, state]),
    [['drill', 'firing']],
  )
  await transaction(ctx, (ctx) => monitoring.alertDrill(ctx, { model, from: 'a', to: 'b', passed: true }))
  assert.deepEqual(
    (await alerts()).map(({ state }) => state),
    ['resolved'],
  )
})

test('a run whose job fails before any of its steps has failed', async (t) => {
  const { ctx, client, night, alerts } = await begin(t)
  await pipelines.applyPipeline(ctx, {
    ...nightly('true'),
    steps: [{ name: 'fit', run: 'true', sources: ['no-such-source'] }],
  })
  await client.system.advanceClock({ to: new Date(ctx.now().getTime() + day).toISOString() })
  const [run] = (await client.pipelines.listRuns({ pipeline: 'train' })).items
  assert.deepEqual([run?.state, run?.scheduled, run?.steps[0]?.state], ['failed', true, 'failed'])
  assert.match(run?.steps[0]?.error ?? '', /no-such-source/)
  assert.equal((await alerts())[0]?.state, 'firing')
  await night('true')
  assert.equal((await alerts())[0]?.state, 'resolved')
})
