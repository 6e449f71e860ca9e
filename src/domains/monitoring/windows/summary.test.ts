import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../../test/support/context.ts'
import { hour } from '../../../core/duration.ts'
import * as registry from '../../registry/registry.ts'
import { completeSpec } from '../../registry/spec/spec.ts'

const model = 'mail'
const day = 24 * hour

type File = Parameters<typeof completeSpec>[0]
type Prediction = { id: string; output: string | number | string[] | Record<string, number>; unit?: string }
type Label = { id: string; value: string | number | number[] | Record<string, number> }

/** A watched model with a day of predictions and their labels, of which the window has closed. */
async function watched(t: TestContext, serves: File['serves'], more: Partial<File> = {}) {
  const server = await testServer(t)
  const { ctx, worker } = server.app
  const spec = completeSpec({
    model,
    owner: 'ann@team.example',
    backup: 'bob@team.example',
    purpose: 'Where a letter goes, for the people who answer it.',
    serves,
    monitoring: { every: '1d', anchor: '2026-01-01T00:00:00Z', min_rows: 50 },
    ...more,
  })
  await registry.applySpec(ctx, spec)
  const at = new Date(ctx.now().getTime() - hour).toISOString()
  const closed = async (predictions: (Prediction & { inputs?: Record<string, unknown> })[], labels: Label[]) => {
    const sent = predictions.map((one) => ({ at, release: '2026.1', ...one }))
    await server.client.serving.recordPredictions({ endpoint: model, predictions: sent })
    await server.client.serving.label({ endpoint: model, labels })
    await worker.advance(new Date(ctx.now().getTime() + 2 * day))
    const { items } = await server.client.monitoring.series({ model })
    const [window, ...others] = items
    assert.ok(window)
    assert.equal(others.length, 0)
    return window
  }
  return { ...server, closed }
}

const shown = (window: Awaited<ReturnType<Awaited<ReturnType<typeof watched>>['closed']>>) =>
  Object.fromEntries((window.metrics ?? []).map(({ metric, estimate, share }) => [metric, { ...estimate, share }]))

test('classes have accuracy and macro F1 with intervals and the share that has labels, an alert below the floor, and groups of failures', async (t) => {
  const floors = { floors: [{ metric: 'f1_macro', at_least: 0.9 }] }
  const { client, closed } = await watched(t, { output: 'multiclass' }, { success: floors })
  const classes = ['bill', 'complaint', 'praise']
  const predictions = Array.from({ length: 800 }, (_, index) => ({
    id: `m${index}`,
    output: index % 2 === 0 ? (classes[index % 3] ?? '') : { [classes[index % 3] ?? '']: 0.8, other: 0.2 },
    inputs: { channel: index % 5 === 0 ? 'fax' : 'mail' },
  }))
  const labels = predictions.slice(0, 600).map(({ id, inputs: { channel } }, index) => ({
    id,
    value: channel === 'fax' && index % 2 === 0 ? 'spam' : (classes[index % 3] ?? ''),
  }))
  const window = await closed(predictions, labels)
  const { accuracy, f1_macro: macro } = shown(window)
  assert.deepEqual([accuracy?.value, accuracy?.n, accuracy?.share], [0.9, 600, 0.75])
  assert.ok(macro && (macro.lower ?? 0) < (macro.value ?? 0) && (macro.upper ?? 0) > (macro.value ?? 1))
  assert.deepEqual([window.bias.value, window.labelled], [null, 600])
  const { items: alerts } = await client.monitoring.listAlerts({ model })
  assert.deepEqual(
    alerts.map(({ signal, subject, severity }) => [signal, subject, severity]),
    [['quality', 'f1_macro', 'page']],
  )
  assert.match(alerts[0]?.summary ?? '', /f1_macro is 0\.\d+, below the floor of 0\.9 beyond doubt \(n 600, 75\.0 %/)
  const { items: groups } = await client.review.listFailures({ model })
  assert.deepEqual(
    groups.map(({ slice, cases, exposure, firstRelease }) => [slice, cases, exposure, firstRelease]),
    [[{ channel: 'fax' }, 60, 120, '2026.1']],
  )
})

test('quantities have their absolute error and no probability, and an alert above a limit of the spec', async (t) => {
  const { client, closed } = await watched(
    t,
    { output: 'regression' },
    { success: { floors: [{ metric: 'mae', at_most: 1 }] }, monitoring: { every: '1d', bias: 100, min_rows: 50 } },
  )
  const predictions = Array.from({ length: 100 }, (_, index) => ({ id: `m${index}`, output: index }))
  const window = await closed(
    predictions,
    predictions.map(({ id, output }, index) => ({ id, value: output + 2 + (index % 2) })),
  )
  assert.deepEqual([window.absoluteError?.value, window.logLoss.value, window.bias.value], [2.5, null, -2.5])
  const { items: alerts } = await client.monitoring.listAlerts({ model })
  assert.deepEqual(
    alerts.map(({ signal, subject }) => [signal, subject]),
    [['quality', 'mae']],
  )
})

test('a ranking is judged by NDCG, whether it was told as a list or row by row', async (t) => {
  const { closed } = await watched(t, { output: 'ranking', list: 'query' })
  const lists = Array.from({ length: 60 }, (_, index) => ({ id: `l${index}`, output: ['a', 'b', 'c'] }))
  const rows = Array.from({ length: 60 }, (_, index) => ({
    id: `r${index}`,
    output: 1 / (1 + (index % 3)),
    inputs: { query: `q${Math.floor(index / 3)}` },
  }))
  const labels: Label[] = [
    ...lists.map(({ id }, index) => ({ id, value: index % 2 === 0 ? { a: 1 } : [0, 1, 0] })),
    ...rows.map(({ id }, index) => ({ id, value: Number(index % 3 === 0) })),
  ]
  const { ndcg, ...others } = shown(await closed([...lists, ...rows], labels))
  // 30 lists and 20 queries are in perfect order, 30 have their best item second.
  const second = 1 / Math.log2(3)
  assert.ok(Math.abs((ndcg?.value ?? 0) - (50 + 30 * second) / 80) < 1e-9)
  assert.deepEqual([ndcg?.n, ndcg?.share], [80, 1])
  assert.deepEqual(Object.keys(others), ['ndcg@10'])
})

test('texts are judged by people and by rules, and expected texts only where the log keeps texts', async (t) => {
  const success = { scorers: [{ name: 'same', kind: 'exact' as const }] }
  const { client, closed } = await watched(t, { output: 'text', log: { content: true } }, { success })
  const predictions = Array.from({ length: 80 }, (_, index) => ({ id: `m${index}`, output: 'Paris' }))
  const labels = predictions.map(({ id }, index) => ({ id, value: index < 40 ? 'Paris' : index < 60 ? 'Rome' : 0.25 }))
  const window = await closed(predictions, labels)
  const { same, score } = shown(window)
  assert.ok(Math.abs((same?.value ?? 0) - 2 / 3) < 1e-9)
  assert.deepEqual([same?.n, same?.share, score?.value, score?.n, score?.share], [60, 0.75, 0.25, 20, 0.25])
  assert.equal((await client.serving.getPrediction({ prediction: 'm1' })).label, 'Paris')
})

test('without texts in the log an expected text is refused with the way out, and a score is not', async (t) => {
  const { client, closed } = await watched(t, { output: 'text' })
  const predictions = Array.from({ length: 60 }, (_, index) => ({ id: `m${index}`, output: 'Paris' }))
  const window = await closed(
    predictions,
    predictions.map(({ id }) => ({ id, value: 1 })),
  )
  assert.deepEqual([shown(window)['score']?.value, shown(window)['score']?.n], [1, 60])
  const refused = client.serving.label({ endpoint: model, labels: [{ id: 'm1', value: 'Paris' }] })
  await assert.rejects(refused, /The label of "m1" is a text, and the log keeps no text to hold against it/)
})

test('labels of another kind are refused by name, and nothing of the batch is stored', async (t) => {
  const { client, app } = await watched(t, { output: 'binary' })
  const at = app.ctx.now().toISOString()
  await client.serving.recordPredictions({ endpoint: model, predictions: [{ id: 'm1', at, output: 0.5 }] })
  for (const value of ['spam', [1, 0], { a: 1 }, 0.5]) {
    const labels = [
      { id: 'm1', value: 1 },
      { id: 'm2', value },
    ]
    await assert.rejects(client.serving.label({ endpoint: model, labels }), /The label of "m2" must be 0 or 1/)
  }
  assert.equal((await client.serving.getPrediction({ prediction: 'm1' })).label, null)
})
