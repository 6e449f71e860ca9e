import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { testServer } from '../../../../test/support/context.ts'
import { inFull } from '../../../../test/support/trials.ts'
import { model } from '../../../../test/support/trips.ts'
import { day, hour, minute } from '../../../core/duration.ts'
import { millisecondsOf } from '../../../core/tables/tables.ts'
import { appendLive } from '../../delivery/store.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import { begin, release } from '../monitoring.fixture.ts'
import * as monitoring from '../monitoring.ts'
import * as store from '../store.ts'

/** What the test itself sent and labelled: what every number is held against. */
type Sent = { id: string; at: string; label: number | null; knownAt: string | null }

async function beginAgreeing(t: TestContext) {
  const begun = await begin(t)
  const { root } = begun.app.ctx
  const { database } = begun.app.ctx.config
  const start = begun.ctx.now().toISOString()
  await appendLive(begun.ctx, { model, release, version: 1, at: start, because: 'released' })
  let server: Pick<typeof begun, 'app' | 'client'> = begun
  const sent: Sent[] = []
  const now = () => server.app.ctx.now()
  const advance = async (milliseconds: number) => {
    const target = new Date(now().getTime() + milliseconds)
    await server.app.worker.advance(target)
    await server.app.worker.advance(target)
  }
  const ask = async () => {
    const id = `p${sent.length + 1}`
    const good = ((sent.length * 7) % 10) / 10 + 0.05
    await serving.predict(server.app.ctx, { endpoint: model, id, inputs: { city: 'Bonn', good, wrong: 1 - good } })
    sent.push({ id, at: now().toISOString(), label: null, knownAt: null })
  }
  const label = async (chosen: readonly Sent[], value: number) => {
    if (chosen.length === 0) return
    const labels = chosen.map(({ id }) => ({ id, value }))
    await server.client.serving.label({ endpoint: model, labels })
    for (const one of chosen) Object.assign(one, { label: value, knownAt: now().toISOString() })
  }
  const watchEvery = async (every: string) => {
    const spec = await registry.requireSpec(server.app.ctx, model)
    await registry.applySpec(server.app.ctx, { ...spec, monitoring: { ...spec.monitoring, every } })
    await advance(0)
  }
  const restart = async () => {
    await serving.flushLog(server.app.ctx)
    const start = now()
    await server.app.close()
    server = await testServer(t, {
      root,
      start,
      settings: { egress: '127.0.0.1', ...(database === '' ? {} : { database }) },
    })
  }
  const shown = async () => {
    const { client, app } = server
    const windows = (await client.monitoring.series({ model })).items
    const card = (await client.review.status({})).models.find((one) => one.model === model)
    const open = await store.findOpenWindow(app.ctx, model)
    return { windows, card, open, drift: await client.monitoring.drift({ model }), ctx: app.ctx }
  }
  /** A service of its own tells now what it answered some time ago. */
  const record = async (rows: number, ago: number) => {
    const at = new Date(Math.max(millisecondsOf(start), now().getTime() - ago)).toISOString()
    const predictions = Array.from({ length: rows }, (_, index) => ({
      id: `p${sent.length + index + 1}`,
      at,
      inputs: { city: 'Bonn', good: 0.25 },
      output: 0.25,
      release,
      version: 1,
    }))
    await server.client.serving.recordPredictions({ endpoint: model, predictions })
    sent.push(...predictions.map(({ id }) => ({ id, at, label: null, knownAt: null })))
    await advance(2 * minute)
  }
  const close = () => server.app.close()
  return { close, record, sent, now, advance, ask, label, watchEvery, restart, shown }
}

type Agreeing = Awaited<ReturnType<typeof beginAgreeing>>

const within =
  ({ from, to }: { from: string; to: string }) =>
  (one: Sent) =>
    one.at >= from && one.at < to

/** Holds at every moment. */
async function checkRequests({ sent, now, shown }: Agreeing): Promise<void> {
  const { windows, card, drift, open, ctx } = await shown()
  const logged = await serving.readLog(ctx, { endpoint: model, from: '' })
  assert.deepEqual(logged.map(({ id }) => id).sort(), sent.map(({ id }) => id).sort())
  for (const [index, window] of windows.entries()) {
    assert.ok(window.to <= now().toISOString(), `${window.to} has not come`)
    assert.ok((windows[index - 1]?.to ?? '') <= window.from, `${window.from} is in two windows`)
    assert.equal(window.requests, sent.filter(within(window)).length, `requests of ${window.from} – ${window.to}`)
    const unseen = window.drift.filter(({ m = 0 }) => m < window.requests)
    assert.deepEqual(unseen, [], 'every request of a window is in its sketches')
  }
  const closed = sent.filter(({ at }) => at < (open?.from_at ?? '')).length
  assert.equal(
    windows.reduce((sum, { requests }) => sum + requests, 0),
    closed,
    'each request is in one window',
  )
  const newest = windows.at(-1)
  assert.equal(drift.window?.to, newest?.to)
  assert.deepEqual(card?.window?.to, newest?.to)
  assert.equal(card?.window?.requests, newest?.requests)
  const empty = newest !== undefined && open !== undefined && open.from_at > newest.to
  if (newest === undefined || empty) assert.deepEqual([drift.verdict, card?.state], ['cannot_tell', 'cannot_tell'])
}

/** Holds once the look at late labels is over, an hour after they came. */
async function checkLabels({ sent, shown }: Agreeing): Promise<void> {
  const { windows, card } = await shown()
  const labelled = (window: { from: string; to: string }) =>
    sent.filter(within(window)).filter((one) => one.label !== null)
  for (const window of windows) {
    const known = labelled(window)
    assert.equal(window.labelled, known.length, `labels of ${window.from} – ${window.to}`)
    assert.equal(window.logLoss.n, known.length)
    const mean = known.reduce((sum, { label }) => sum + (label ?? 0), 0) / known.length
    if (known.length > 0) assert.ok(Math.abs((window.meanLabel.value ?? -1) - mean) < 1e-9, 'the mean label')
    assert.equal(
      window.knownUpTo,
      known
        .map(({ knownAt }) => knownAt)
        .sort()
        .at(-1) ?? null,
    )
  }
  const [first, newest] = [windows[0], windows.at(-1)]
  assert.equal(card?.labelsUntil, newest?.knownUpTo ?? null)
  assert.equal(card?.quality.now.n, newest ? labelled(newest).length : 0)
  if (card?.release === release) assert.equal(card.quality.atRelease.n, first ? labelled(first).length : 0)
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('ask' as const),
    rows: fc.integer({ min: 1, max: 6 }),
    gap: fc.integer({ min: 0, max: 40 }),
  }),
  fc.record({
    kind: fc.constant('ask' as const),
    rows: fc.integer({ min: 1, max: 6 }),
    gap: fc.integer({ min: 0, max: 400 }),
  }),
  fc.record({
    kind: fc.constant('label' as const),
    each: fc.integer({ min: 1, max: 4 }),
    value: fc.integer({ min: 0, max: 1 }),
  }),
  fc.record({ kind: fc.constant('every' as const), every: fc.constantFrom('15m', '45m', '1h', '90m', '1d') }),
  fc.record({ kind: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 3_000 }) }),
  fc.record({
    kind: fc.constant('record' as const),
    rows: fc.integer({ min: 1, max: 3 }),
    ago: fc.integer({ min: 0, max: 4_000 }),
  }),
  fc.record({ kind: fc.constant('restart' as const) }),
)

test('what windows, drift and status show of requests and labels is what was sent, whatever comes when', {
  timeout: 600_000,
}, async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const agreeing = await beginAgreeing(t)
      for (const one of steps) {
        if (one.kind === 'wait') await agreeing.advance(one.minutes * minute)
        else if (one.kind === 'every') await agreeing.watchEvery(one.every)
        else if (one.kind === 'restart') await agreeing.restart()
        else if (one.kind === 'record') await agreeing.record(one.rows, one.ago * minute)
        else if (one.kind === 'label')
          await agreeing.label(
            agreeing.sent.filter((_, index) => index % one.each === 0),
            one.value,
          )
        else
          for (let row = 0; row < one.rows; row++) {
            await agreeing.ask()
            await agreeing.advance(one.gap * minute)
          }
        await checkRequests(agreeing)
      }
      await agreeing.advance(hour + 2 * minute)
      await checkRequests(agreeing)
      await checkLabels(agreeing)
      await agreeing.close()
    }),
    { numRuns: inFull ? 24 : 3, endOnFailure: true },
  )
})

test('a window shorter than an hour has all of its own values and none of its neighbours', async (t) => {
  const { ask, advance, watchEvery, shown } = await beginAgreeing(t)
  await watchEvery('15m')
  for (let row = 0; row < 20; row++) {
    await ask()
    await advance(5 * minute)
  }
  await advance(3 * hour)
  const { windows, ctx } = await shown()
  assert.deepEqual(
    windows.map(({ from, requests }) => [from.slice(11, 16), requests]),
    ['00:00', '00:15', '00:30', '00:45', '01:00', '01:15', '01:30'].map((from) => [from, from === '01:30' ? 2 : 3]),
  )
  assert.deepEqual(
    windows.map(({ missing }) => missing?.find(({ column }) => column === 'good')?.now.n),
    windows.map(({ requests }) => requests),
  )
  const { items } = await monitoring.sketches(ctx, { model, release, column: 'good' })
  assert.deepEqual(
    items.map(({ rows }) => rows),
    windows.map(({ requests }) => requests),
  )
})

test('another length of windows ends the open one where the new ones begin, and no request is counted twice', async (t) => {
  const agreeing = await beginAgreeing(t)
  const { ask, advance, watchEvery, shown } = agreeing
  await ask()
  await advance(30 * hour)
  await ask()
  await watchEvery('7d')
  await advance(20 * day)
  await ask()
  await watchEvery('1h')
  await advance(3 * hour)
  const { windows } = await shown()
  assert.deepEqual(
    windows.map(({ from, to }) => `${from.slice(0, 13)} ${to.slice(0, 13)}`),
    ['2026-01-01T00 2026-01-02T00', '2026-01-02T00 2026-01-08T00', '2026-01-22T00 2026-01-22T07'],
  )
  await checkRequests(agreeing)
})

test('a window whose time has not come is never closed, whoever asks for it', async (t) => {
  const { ask, shown } = await beginAgreeing(t)
  await ask()
  const { ctx } = await shown()
  assert.deepEqual(await monitoring.closeWindow(ctx, { model, from: '2026-01-01T00:00:00.000Z' }), { requests: 0 })
  assert.deepEqual((await shown()).windows, [])
})

test('of a model that is asked no more nothing is called steady, and the window that is shown says which it is', async (t) => {
  const { ask, advance, shown } = await beginAgreeing(t)
  assert.deepEqual((await shown()).drift.verdict, 'cannot_tell')
  for (let row = 0; row < 160; row++) await ask()
  await advance(26 * hour)
  const busy = await shown()
  assert.deepEqual([busy.drift.verdict, busy.card?.state], ['steady', 'steady'])
  assert.match(busy.drift.because, /^\d columns judged over 160 requests, 0 not judged$/)
  await advance(day)
  const idle = await shown()
  assert.deepEqual(
    [idle.drift.verdict, idle.card?.state, idle.drift.window?.requests],
    ['cannot_tell', 'cannot_tell', 160],
  )
  assert.match(idle.drift.because, /^nothing was served from 2026-01-02T00:00:00.000Z to 2026-01-03T00:00:00.000Z/)
  assert.equal(idle.card?.headline, 'Nothing was served from 2026-01-02T00:00:00.000Z to 2026-01-03T00:00:00.000Z.')
})
