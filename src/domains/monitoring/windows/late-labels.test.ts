import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model } from '../../../../test/support/trips.ts'
import { readEvents } from '../../../core/background/events.ts'
import { begin } from '../monitoring.fixture.ts'
import * as monitoring from '../monitoring.ts'

const minute = 60_000
const ids = (first: number, count: number) => Array.from({ length: count }, (_, index) => `p${first + index}`)

async function beginUnlabelled(t: Parameters<typeof begin>[0], days: number) {
  const begun = await begin(t)
  await begun.live(days, { labelled: false })
  await begun.settleWindows()
  const label = async (predictions: string[], value: (index: number) => number) => {
    const labels = predictions.map((id, index) => ({ id, value: value(index) }))
    await begun.client.serving.label({ endpoint: model, labels })
    await begun.worker.advance(new Date(begun.ctx.now().getTime() + 62 * minute))
  }
  const windows = async () => (await begun.client.monitoring.series({ model })).items
  const alerts = async () => (await begun.client.monitoring.listAlerts({ model })).items
  return { ...begun, label, windows, alerts }
}

test('quality of a closed window follows the labels that came in since, and nothing else of it changes', async (t) => {
  const { label, windows, alerts } = await beginUnlabelled(t, 2)
  const before = await windows()
  assert.deepEqual(
    before.map(({ labelled, knownUpTo }) => [labelled, knownUpTo]),
    [
      [0, null],
      [0, null],
    ],
  )
  await label(ids(1, 200), (index) => ((index * 0.6180339887) % 1 < 0.5 ? 1 : 0))
  const [first, second] = await windows()
  assert.ok(first && before[0])
  assert.equal(first.labelled, 200)
  assert.equal(first.bias.n, 200)
  assert.ok((first.bias.lower ?? 1) < 0 && (first.bias.upper ?? -1) > 0)
  assert.ok((first.auc.lower ?? 2) <= (first.auc.value ?? 1))
  assert.equal(first.knownUpTo, '2026-01-03T01:00:00.000Z')
  const { labelled, meanPrediction, meanLabel, bias, logLoss, auc, metrics, knownUpTo } = first
  assert.deepEqual(first, {
    ...before[0],
    labelled,
    meanPrediction,
    meanLabel,
    bias,
    logLoss,
    auc,
    metrics,
    knownUpTo,
  })
  assert.deepEqual(second, before[1])
  assert.deepEqual(await alerts(), [])
})

test('late labels open one alert, the same labels again none, and corrected labels resolve it', async (t) => {
  const { ctx, label, live, alerts, settleWindows } = await beginUnlabelled(t, 2)
  await label(ids(241, 240), () => 0)
  const [alert, ...others] = (await alerts()).filter(({ signal }) => signal === 'bias')
  assert.deepEqual([alert?.state, alert?.severity, alert?.seen], ['firing', 'page', 1])
  assert.equal(alert?.window.from, '2026-01-02T00:00:00.000Z')
  await label(ids(241, 240), () => 0)
  assert.deepEqual(others, [])
  assert.equal((await alerts()).filter(({ signal }) => signal === 'bias').length, 1)
  assert.equal((await readEvents(ctx, { type: 'monitoring.alerts_raised' })).length, 1)
  await live(1, { labelled: false })
  await settleWindows()
  assert.equal((await alerts()).find(({ signal }) => signal === 'bias')?.state, 'firing')
  await label(ids(241, 240), (index) => ((index * 0.6180339887) % 1 < 0.5 ? 1 : 0))
  const bias = (await alerts()).filter(({ signal }) => signal === 'bias')
  assert.deepEqual(
    bias.map(({ state, id }) => [state, id]),
    [['resolved', alert?.id]],
  )
})

test('labels of an old window change its numbers, not an alert that newer labels decide', async (t) => {
  const { label, live, windows, alerts, settleWindows } = await beginUnlabelled(t, 1)
  await live(1)
  await settleWindows()
  await label(ids(1, 240), () => 0)
  assert.deepEqual(
    (await windows()).map(({ labelled, meanLabel }) => [labelled, (meanLabel.value ?? 0) > 0]),
    [
      [240, false],
      [240, true],
    ],
  )
  assert.deepEqual(await alerts(), [])
})

test('labels of windows that are open, or of nothing that is known, compute no window anew', async (t) => {
  const { ctx, client, traffic } = await beginUnlabelled(t, 1)
  await traffic({ rows: 20, labelled: false })
  const labels = [...ids(241, 20), 'nobody'].map((id) => ({ id, value: 1 }))
  const from = ctx.now().toISOString()
  await client.serving.label({ endpoint: model, labels })
  const to = new Date(ctx.now().getTime() + 1).toISOString()
  assert.deepEqual(await monitoring.checkLateLabels(ctx, { model, from, to }), { windows: 0 })
  await client.serving.label({ endpoint: model, labels: [{ id: 'p7', value: 1 }] })
  assert.deepEqual(await monitoring.checkLateLabels(ctx, { model, from, to }), { windows: 1 })
})
