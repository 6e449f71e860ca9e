import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { testServer } from '../../../../test/support/context.ts'
import { onPostgres } from '../../../../test/support/database.ts'
import { temporaryFolder } from '../../../../test/support/folder.ts'
import { model } from '../../../../test/support/trips.ts'
import { day, hour, minute } from '../../../core/duration.ts'
import * as serving from '../../serving/serving.ts'
import { begin, release } from '../monitoring.fixture.ts'
import * as staleStore from '../stale-store.ts'
import * as store from '../store.ts'

const inputs = { city: 'Bonn', good: 0.25, wrong: 0.75 }

test('labels of any age are counted in the window of their predictions', async (t) => {
  const { client, live, ctx, worker, settleWindows } = await begin(t)
  await live(1, { rows: 24, labelled: false })
  await live(1, { rows: 24, labelled: false })
  await worker.advance(new Date(ctx.now().getTime() + 70 * day))
  await live(1, { rows: 24 })
  await settleWindows()
  const labels = ['p1', 'p2', 'p25'].map((id) => ({ id, value: 1 }))
  await client.serving.label({ endpoint: model, labels })
  await worker.advance(new Date(ctx.now().getTime() + hour + minute))
  const { items } = await client.monitoring.series({ model })
  assert.deepEqual(
    items.map(({ from, labelled }) => [from.slice(0, 10), labelled]),
    [
      ['2026-01-01', 2],
      ['2026-01-02', 1],
      ['2026-03-14', 24],
    ],
  )
})

test('a look at labels that reads no more than it may goes on where it ended, and finds all', async (t) => {
  const { client, live, ctx } = await begin(t)
  for (let count = 0; count < 4; count++) await live(1, { rows: 3, labelled: false })
  const from = ctx.now().toISOString()
  const ids = ['p1', 'p4', 'p5', 'p12', 'nobody']
  await client.serving.label({ endpoint: model, labels: ids.map((id) => ({ id, value: 1 })) })
  const to = new Date(ctx.now().getTime() + 1).toISOString()
  const found: string[] = []
  let looks = 0
  for (let look: serving.LabelLook | undefined = { model, from, to }; look; looks++) {
    const { minutes, rest }: Awaited<ReturnType<typeof serving.labelledMinutes>> = await serving.labelledMinutes(
      ctx,
      look,
      { rows: 1 },
    )
    found.push(...minutes.map(({ first }) => first.slice(0, 13)))
    look = rest
  }
  assert.ok(looks > 3, `${looks} looks`)
  const logged = await serving.readLog(ctx, { endpoint: model, from: '' })
  const expected = logged.filter(({ id }) => ids.includes(id)).map(({ at }) => at.slice(0, 13))
  assert.deepEqual(found.sort(), expected.sort())
})

test('predictions written down after their window was closed are counted in it, and those of before anybody watched too', async (t) => {
  const { client, live, ctx, worker, settleWindows } = await begin(t)
  await live(3, { rows: 24 })
  await settleWindows()
  const predictions = ['2025-12-20', '2026-01-01', '2026-01-03'].map((date, index) => ({
    id: `late${index}`,
    at: `${date}T12:00:00Z`,
    inputs,
    output: 0.25,
    release,
    version: 1,
  }))
  await client.serving.recordPredictions({ endpoint: model, predictions })
  await client.serving.label({ endpoint: model, labels: [{ id: 'late1', value: 1 }] })
  await worker.advance(new Date(ctx.now().getTime() + 2 * minute))
  const { items } = await client.monitoring.series({ model })
  assert.deepEqual(
    items.map(({ from, requests, labelled }) => [from.slice(0, 10), requests, labelled]),
    [
      ['2025-12-20', 1, 0],
      ['2026-01-01', 25, 25],
      ['2026-01-02', 24, 24],
      ['2026-01-03', 25, 24],
    ],
  )
  assert.deepEqual(await staleStore.listStale(ctx, model, 10), [])
  assert.equal(await serving.hasUncounted(ctx, { endpoint: model, before: ctx.now().toISOString() }), false)
})

type Server = Awaited<ReturnType<typeof testServer>>

/** Servers with folders of their own that share a database, the stored bytes and the time; one can be killed. */
async function twoServers(t: TestContext) {
  const begun = await begin(t)
  const { database } = begun.ctx.config
  const blobs = join(begun.app.ctx.root, '.keel', 'blobs')
  const start = async (at: Date): Promise<Server> => {
    const root = temporaryFolder(t)
    mkdirSync(join(root, '.keel'), { recursive: true })
    symlinkSync(blobs, join(root, '.keel', 'blobs'))
    return testServer(t, { root, start: at, settings: { egress: '127.0.0.1', database } })
  }
  const servers: [Server, Server] = [begun, await start(begun.ctx.now())]
  let asked = 0
  const ask = async (which: 0 | 1) => {
    asked += 1
    await serving.predict(servers[which].app.ctx, { endpoint: model, id: `q${asked}`, inputs })
  }
  const advance = async (milliseconds: number) => {
    const target = new Date(servers[0].app.ctx.now().getTime() + milliseconds)
    for (const round of [1, 2]) {
      for (const { app } of round === 1 ? servers : servers.toReversed()) await app.worker.advance(target)
    }
  }
  /** Without a word: what it has not written down is gone. */
  const kill = async () => {
    const [, { app }] = servers
    await app.ctx.lake.close()
    await app.close().catch(() => undefined)
    servers[1] = await start(servers[0].app.ctx.now())
  }
  const flush = (which: 0 | 1) => serving.flushLog(servers[which].app.ctx)
  const label = async (each: number) => {
    const labels = Array.from({ length: asked }, (_, index) => ({ id: `q${index + 1}`, value: index % 2 }))
    const some = labels.filter((_, index) => index % each === 0)
    if (some.length > 0) await servers[0].client.serving.label({ endpoint: model, labels: some })
  }
  return { servers, ask, advance, kill, flush, label }
}

const which = fc.constantFrom<0 | 1>(0, 1)
const step = fc.oneof(
  fc.record({ kind: fc.constant('ask' as const), which, gap: fc.integer({ min: 0, max: 900 }) }),
  fc.record({ kind: fc.constant('ask' as const), which, gap: fc.integer({ min: 0, max: 3_000 }) }),
  fc.record({ kind: fc.constant('flush' as const), which }),
  fc.record({ kind: fc.constant('label' as const), each: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('kill' as const) }),
)

test('windows say what is on disk, whichever of two servers wrote it, however late, and whichever was killed', {
  skip: !onPostgres() && 'two servers share a PostgreSQL',
  timeout: 600_000,
}, async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 16 }), async (steps) => {
      const { servers, ask, advance, kill, flush, label } = await twoServers(t)
      for (const one of steps) {
        if (one.kind === 'kill') await kill()
        else if (one.kind === 'flush') await flush(one.which)
        else if (one.kind === 'label') await label(one.each)
        else {
          await ask(one.which)
          await advance(one.gap * minute)
        }
      }
      await flush(0)
      await flush(1)
      await advance(day + 2 * hour)
      const [{ app, client }] = servers
      const logged = await serving.readLog(app.ctx, { endpoint: model, from: '' })
      const { items } = await client.monitoring.series({ model })
      const open = await store.findOpenWindow(app.ctx, model)
      for (const window of items) {
        const rows = logged.filter(({ at }) => at >= window.from && at < window.to)
        assert.equal(window.requests, rows.length, `requests of ${window.from}`)
        assert.equal(window.labelled, rows.filter((row) => row.label !== null).length, `labels of ${window.from}`)
      }
      const closed = logged.filter(({ at }) => at < (open?.from_at ?? ''))
      assert.equal(
        items.reduce((sum, { requests }) => sum + requests, 0),
        closed.length,
      )
      for (const { app } of servers) await app.close().catch(() => undefined)
    }),
    { numRuns: 6, endOnFailure: true },
  )
})
