import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext, testServer } from '../../../test/support/context.ts'
import type { ProblemError } from '../../client/client.ts'
import * as datasets from './datasets.ts'
import { compact } from './relation.ts'
import * as store from './store.ts'

const trips = {
  source: 'trips',
  owner: 'ana@team.example',
  vetted: { by: 'ana@team.example', on: '2026-01-01' },
  time: 'at',
  known_at: 'known_at',
  expectations: [
    { column: 'distance', type: 'number' as const, required: true, between: [0, 1000] as [number, number] },
  ],
}

const row = (at: string, distance: number) => ({ at, known_at: at, distance, city: 'Berlin' })

test('rows come back typed, from segments and from the newest rows alike', async (t) => {
  const ctx = await testContext(t)
  await datasets.applySource(ctx, trips)
  await datasets.append(ctx, {
    source: 'trips',
    rows: [row('2026-01-01T10:00', 1.5), row('2026-01-01T11:00+01:00', 2)],
  })
  assert.deepEqual(await compact(ctx, 'trips'), { rows: 2 })
  await datasets.append(ctx, { source: 'trips', rows: [row('2026-01-02', 3)] })
  const rows = await datasets.withSource(ctx, { source: 'trips' }, (lake, table) =>
    lake.query(`select _seq, "at"::varchar as at, distance from ${table} order by _seq`),
  )
  assert.deepEqual(
    rows.map((found) => [Number(found['_seq']), found['at'], found['distance']]),
    [
      [1, '2026-01-01 10:00:00', 1.5],
      [2, '2026-01-01 10:00:00', 2],
      [3, '2026-01-02 00:00:00', 3],
    ],
  )
})

test('of two compactions at once one moves the rows, and every row is read once', async (t) => {
  const ctx = await testContext(t)
  await datasets.applySource(ctx, trips)
  await datasets.append(ctx, { source: 'trips', rows: [row('2026-01-01', 1), row('2026-01-02', 2)] })
  const read = () =>
    datasets.withSource(ctx, { source: 'trips' }, async (lake, table) =>
      (await lake.query(`select _seq from ${table} order by _seq`)).map(({ _seq }) => Number(_seq)),
    )
  const all = await Promise.all([compact(ctx, 'trips'), read(), compact(ctx, 'trips'), read()])
  assert.deepEqual([all[0], all[2]].map(({ rows }) => rows).sort(), [0, 2])
  assert.deepEqual(
    [all[1], all[3], await read()],
    [
      [1, 2],
      [1, 2],
      [1, 2],
    ],
  )
})

test('segments of which an older version wrote rows twice are read once', async (t) => {
  const ctx = await testContext(t)
  await datasets.applySource(ctx, trips)
  await datasets.append(ctx, { source: 'trips', rows: [row('2026-01-01', 1), row('2026-01-02', 2)] })
  await compact(ctx, 'trips')
  const [segment] = await store.listSegments(ctx, 'trips', 2)
  assert.ok(segment)
  await store.replaceTail(ctx, { ...segment, id: 'seg_again' })
  assert.equal((await datasets.snapshot(ctx, { source: 'trips' })).rows, 2)
})

test('one bad row stores none, and the error names row and column', async (t) => {
  const { client, app } = await testServer(t)
  await datasets.applySource(app.ctx, trips)
  const rows = [row('2026-01-01', 1), row('2026-01-02', 5000)]
  await assert.rejects(client.datasets.append({ source: 'trips', rows }), (error: ProblemError) => {
    assert.equal(error.problem.code, 'invalid_input')
    assert.match(error.problem.detail, /row 2, column "distance": 5000 is outside 0 … 1000/)
    return true
  })
  assert.equal((await client.datasets.getSource({ source: 'trips' })).rows, 0)
})

test('the same rows give the same digest, however they are stored', async (t) => {
  const ctx = await testContext(t)
  await datasets.applySource(ctx, trips)
  await datasets.append(ctx, { source: 'trips', rows: [row('2026-01-01', 1), row('2026-01-02', 2)] })
  const before = await datasets.snapshot(ctx, { source: 'trips' })
  await compact(ctx, 'trips')
  const after = await datasets.snapshot(ctx, { source: 'trips' })
  assert.equal(after.digest, before.digest)
  await datasets.append(ctx, { source: 'trips', rows: [row('2026-01-03', 3)] })
  assert.notEqual((await datasets.snapshot(ctx, { source: 'trips' })).digest, before.digest)
  assert.equal(after.profile.find(({ column }) => column === 'distance')?.max, 2)
})

test('a time finer than milliseconds is refused, for rounding could leak the future', async (t) => {
  const ctx = await testContext(t)
  await datasets.applySource(ctx, trips)
  await assert.rejects(
    datasets.append(ctx, { source: 'trips', rows: [row('2026-01-01T00:00:00.0000005Z', 1)] }),
    /row 1, column "at": "2026-01-01T00:00:00.0000005Z" must be a time/,
  )
})

test('hostile names of columns and values are data', async (t) => {
  const ctx = await testContext(t)
  await datasets.applySource(ctx, { source: 'odd', owner: 'ana@team.example' })
  await datasets.append(ctx, { source: 'odd', rows: [{ [`a"; drop table x; --'`]: `'; select 1; --` }] })
  const { profile } = await datasets.snapshot(ctx, { source: 'odd' })
  assert.equal(profile[0]?.min, `'; select 1; --`)
})
