import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model } from '../../../test/support/trips.ts'
import { latestEvents } from '../../core/background/events.ts'
import * as registry from '../registry/registry.ts'
import { begin, release } from './monitoring.fixture.ts'
import * as monitoring from './monitoring.ts'

test('served values are kept per release, feature and hour as counts and quantiles, not as rows', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  await live(1)
  await settleWindows()
  const { items } = await client.monitoring.sketches({ model, column: 'good' })
  assert.equal(items.length, 23)
  assert.equal(
    items.reduce((sum, { rows }) => sum + rows, 0),
    240,
  )
  assert.ok(
    items.every(({ scope, missing, median }) => scope === `release/${release}` && missing === 0 && (median ?? 0) > 0),
  )
})

test('a window says how good the answers were, up to when labels are known, and what confidence alone would say', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  await live(1)
  await settleWindows()
  const [window] = (await client.monitoring.series({ model })).items
  assert.ok(window)
  assert.deepEqual([window.requests, window.labelled, window.release], [240, 240, release])
  assert.ok((window.bias.lower ?? 1) < 0 && (window.bias.upper ?? -1) > 0)
  assert.ok(window.knownUpTo)
  assert.match(window.estimated?.blindSpot ?? '', /only labels show it/)
  assert.ok(Math.abs((window.estimated?.accuracy.value ?? 0) - 0.75) < 0.05)
  assert.ok(Math.abs((window.domain?.auc.value ?? 1) - 0.5) < 0.1)
  assert.deepEqual((await client.monitoring.listAlerts({ model })).items, [])
})

test('a biased window pages once, goes on while it lasts, and is over with the first one that is right', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  await live(1)
  await live(2, { late: () => 0 })
  await settleWindows()
  const [alert, ...others] = (await client.monitoring.listAlerts({ model, state: 'firing' })).items
  assert.ok(alert)
  assert.equal(others.filter(({ severity }) => severity === 'page').length <= 1, true)
  const bias = (await client.monitoring.listAlerts({ model })).items.find(({ signal }) => signal === 'bias')
  assert.deepEqual(
    [bias?.severity, bias?.state, bias?.seen, bias?.firedAt],
    ['page', 'firing', 2, '2026-01-03T01:00:00.000Z'],
  )
  await live(1)
  await settleWindows()
  const over = (await client.monitoring.listAlerts({ model })).items.find(({ signal }) => signal === 'bias')
  assert.equal(over?.state, 'resolved')
})

test('inputs that move alone are told in the digest, and only when two of three windows have it', async (t) => {
  const { client, ctx, live, settleWindows } = await begin(t)
  await live(1)
  const moved = { good: (index: number) => ((index * 7) % 10) / 20 + 0.5 }
  await live(1, moved)
  await settleWindows()
  const once = await client.monitoring.drift({ model })
  assert.equal(once.window?.drift.find(({ column }) => column === 'good')?.drifted, true)
  assert.deepEqual(
    (await client.monitoring.listAlerts({ model })).items.filter(({ signal }) => signal === 'drift'),
    [],
  )
  await live(1, moved)
  await settleWindows()
  const alerts = (await client.monitoring.listAlerts({ model })).items.filter(({ signal }) => signal === 'drift')
  assert.ok(alerts.length > 0)
  assert.ok(alerts.every(({ severity }) => severity === 'digest'))
  assert.equal((await latestEvents(ctx, { type: 'monitoring.digest' })).length, 1)
  assert.match(once.meaning, /Labels known up to/)
})

test('a window with too few rows is judged together with those before it', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  await live(3, { rows: 60 })
  await settleWindows()
  const { items } = await client.monitoring.series({ model })
  assert.equal(items[2]?.mergedFrom, '2026-01-01T00:00:00.000Z')
  assert.equal(items[2]?.drift.find(({ column }) => column === 'good')?.m, 180)
})

test('last week is as good a reference as training when a season comes back', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  const moved = { good: (index: number) => ((index * 7) % 10) / 20 + 0.5, labelled: false }
  await live(8, { ...moved, rows: 160 })
  await settleWindows()
  const training = await client.monitoring.drift({ model })
  const week = await client.monitoring.drift({ model, against: 'last-week' })
  const drifted = (report: typeof week) => report.window?.drift.find(({ column }) => column === 'good')?.drifted
  assert.deepEqual([drifted(training), drifted(week)], [true, false])
  assert.match(week.reference, /^2026-01-01 to 2026-01-02/)
  assert.match(training.meaning, /cannot be seen yet/)
  assert.deepEqual([training.window?.domain === undefined, week.window?.domain], [false, undefined])
})

test('a time in which nothing was served is no reference: no column is called steady beside it', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  await live(2, { labelled: false })
  await settleWindows()
  const report = await client.monitoring.drift({ model, against: 'last-year' })
  assert.match(report.reference, /served nothing then/)
  assert.deepEqual(report.window?.drift, [])
})

test('closing a window twice, or on two servers, counts nothing and tells nobody twice', async (t) => {
  const { client, ctx, live, settleWindows } = await begin(t)
  await live(1, { late: () => 0 })
  await settleWindows()
  const before = [await client.monitoring.sketches({ model }), await client.monitoring.listAlerts({ model })]
  const payload = { model, from: '2026-01-01T00:00:00.000Z' }
  await Promise.all([monitoring.closeWindow(ctx, payload), monitoring.closeWindow(ctx, payload)])
  const after = [await client.monitoring.sketches({ model }), await client.monitoring.listAlerts({ model })]
  assert.deepEqual(after, before)
  assert.equal((await latestEvents(ctx, { type: 'monitoring.alerts_raised' })).length, 1)
})

test('a window without rows says nothing and the next one is watched', async (t) => {
  const { client, worker, live, settleWindows } = await begin(t)
  await worker.advance(new Date('2026-01-05T00:00:00Z'))
  assert.deepEqual((await client.monitoring.series({ model })).items, [])
  await live(1)
  await settleWindows()
  assert.deepEqual(
    (await client.monitoring.series({ model })).items.map(({ from }) => from),
    ['2026-01-05T00:00:00.000Z'],
  )
})

test('labels that come twice or late count once, as they are when the window closes', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  await live(1)
  const labels = [
    { id: 'p1', value: 1 },
    { id: 'p1', value: 1 },
    { id: 'nobody', value: 0 },
  ]
  await client.serving.label({ endpoint: model, labels })
  await settleWindows()
  assert.equal((await client.monitoring.series({ model })).items[0]?.labelled, 240)
})

test('before promotion a version is compared with what is served, and an input that knows the label is named', async (t) => {
  const { client, version, live, settleWindows } = await begin(t)
  await live(1)
  await settleWindows()
  const skew = await client.monitoring.skew({ model, version })
  assert.equal(skew.served, 240)
  assert.deepEqual(
    skew.columns.map(({ column, skewed }) => [column, skewed]),
    [['good', false]],
  )
  assert.deepEqual(
    skew.leaks.map(({ column, suspicious }) => [column, suspicious]),
    [['good', false]],
  )
})

test('a window that is cut off in the middle leaves nothing told, and closing it again makes it whole', async (t) => {
  const { client, ctx, worker, traffic } = await begin(t)
  await traffic({ late: () => 0 })
  await worker.advance(new Date('2026-01-02T00:00:00Z'))
  const payload = { model, from: '2026-01-01T00:00:00.000Z' }
  const dying = {
    ...ctx,
    id: (prefix: string) => {
      if (prefix === 'alert') throw new Error('the process dies here')
      return ctx.id(prefix)
    },
  }
  await assert.rejects(monitoring.closeWindow(dying, payload), /dies here/)
  assert.deepEqual((await client.monitoring.series({ model })).items, [])
  assert.deepEqual((await client.monitoring.listAlerts({ model })).items, [])
  await monitoring.closeWindow(ctx, payload)
  assert.equal((await client.monitoring.series({ model })).items[0]?.requests, 240)
  assert.deepEqual(
    (await client.monitoring.listAlerts({ model })).items.map(({ signal }) => signal),
    ['bias'],
  )
  const { items } = await client.monitoring.sketches({ model, column: 'good' })
  assert.equal(
    items.reduce((sum, { rows }) => sum + rows, 0),
    240,
  )
})

test('a clock that jumps over many windows closes each of them once, in order', async (t) => {
  const { client, worker, traffic, settleWindows } = await begin(t)
  await traffic()
  await worker.advance(new Date('2026-01-20T00:00:00Z'))
  await traffic()
  await settleWindows()
  await worker.advance(new Date('2026-01-21T02:00:00Z'))
  assert.deepEqual(
    (await client.monitoring.series({ model })).items.map(({ from, requests }) => [from.slice(0, 10), requests]),
    [
      ['2026-01-01', 240],
      ['2026-01-20', 240],
    ],
  )
  const [newest, ...others] = (await client.monitoring.series({ model, limit: 1 })).items
  assert.deepEqual([newest?.from.slice(0, 10), others], ['2026-01-20', []])
})

test('quantities are judged by their distance from what happened, in their own unit, and never as probabilities', async (t) => {
  const { client, ctx, live, settleWindows } = await begin(t)
  const own = await registry.requireSpec(ctx, model)
  await registry.applySpec(ctx, { ...own, serves: { ...own.serves, output: 'regression' } })
  await live(1, { late: (good) => good + 12 })
  await settleWindows()
  const [window] = (await client.monitoring.series({ model })).items
  assert.ok(Math.abs((window?.absoluteError?.value ?? 0) - 12) < 1e-6)
  assert.deepEqual([window?.absoluteError?.n, window?.logLoss.value, window?.auc.value], [240, null, null])
  const [alert] = (await client.monitoring.listAlerts({ model })).items
  assert.match(alert?.summary ?? '', /^It predicted 0\.\d+ and 12\.\d+ happened\.$/)
  const { quality } = (await client.review.status({})).models.find((card) => card.model === model) ?? {}
  assert.deepEqual([quality?.metric, Math.round(quality?.now.value ?? 0)], ['absolute error', 12])
})
