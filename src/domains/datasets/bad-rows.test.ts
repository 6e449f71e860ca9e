import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import type { ProblemError } from '../../client/client.ts'
import type { Context } from '../../core/context.ts'
import * as features from '../features/features.ts'
import * as datasets from './datasets.ts'
import { compact } from './relation.ts'
import type { DatasetsTables } from './schema.ts'

const at = '2026-01-01T00:00:00.000Z'

const planted = {
  number: { type: 'integer', rows: ['{"id":1,"at":"T","uid":1}', '{"id":2,"at":"T","uid":12345678901234567890}'] },
  text: { type: 'string', rows: ['{"id":1,"at":"T","uid":"a"}', '{"id":2,"at":"T","uid":"nice \\ud83d"}'] },
  names: { type: 'string', rows: ['{"id":1,"at":"T","uid":"a"}', '{"id":2,"at":"T","uid":"a","Uid":"b"}'] },
}

/** Rows as an older version took them: past every check. */
async function plant(ctx: Context, source: string, { type, rows }: { type: string; rows: string[] }): Promise<void> {
  await datasets.applySource(ctx, { source, owner: 'ana@team.example', time: 'at' })
  const db = ctx.db.withTables<DatasetsTables>()
  const names = new Set(rows.flatMap((row) => Object.keys(JSON.parse(row) as object)))
  const typeOf = (name: string) => (name === 'id' ? 'integer' : name === 'at' ? 'time' : type)
  const columns = [...names]
    .filter((name) => name !== 'at')
    .map((name) => ({ source, name, type: typeOf(name), integer_upto: null }))
  await db.insertInto('source_columns').values(columns).execute()
  const stored = rows.map((row, index) => ({
    source,
    seq: index + 1,
    ingested_at: at,
    content: row.replace('"T"', `"${at}"`),
  }))
  await db.insertInto('source_rows').values(stored).execute()
  await db.updateTable('sources').set({ last_seq: rows.length }).where('name', '=', source).execute()
}

async function applyViews(ctx: Context, sources: string[]): Promise<void> {
  await features.applyFeatures(ctx, {
    entities: [{ name: 'thing', keys: ['id'] }],
    views: sources.map((source) => ({ name: `of_${source}`, entity: 'thing', source, features: ['uid'] })),
    services: sources.map((source) => ({
      name: `s_${source}`,
      request: [{ name: 'id', type: 'number' as const }],
      features: [`of_${source}:uid`],
    })),
  })
}

for (const [kind, rows] of Object.entries(planted)) {
  test(`a server starts with a source that it cannot read (${kind}), names it, and serves the rest`, async (t) => {
    const { client, app } = await testServer(t)
    await plant(app.ctx, 'bad', rows)
    await datasets.applySource(app.ctx, { source: 'good', owner: 'ana@team.example', time: 'at' })
    await client.datasets.append({ source: 'good', rows: [{ id: 1, at, uid: 'x', constructor: 1.5 }] })
    await applyViews(app.ctx, ['bad', 'good'])
    await features.warmUp(app.ctx)

    const online = await client.features.getOnline({ service: 's_good', rows: [{ id: 1 }] })
    assert.equal(online.rows[0]?.values['uid'], 'x')
    const why = /"bad" cannot be read: row 2, column "(uid|Uid)"/
    const refused = (error: ProblemError) => {
      assert.equal(error.problem.code, 'conflict')
      assert.match(error.problem.detail, why)
      return true
    }
    await assert.rejects(client.features.getOnline({ service: 's_bad', rows: [{ id: 1 }] }), refused)
    await assert.rejects(client.datasets.snapshot({ source: 'bad' }), refused)
    const set = { from: '2025-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' }
    await assert.rejects(client.features.createTrainingSet({ service: 's_bad', source: 'good', ...set }), refused)
    await client.features.createTrainingSet({ service: 's_good', source: 'good', ...set })

    assert.match((await client.datasets.getSource({ source: 'bad' })).unreadable ?? '', /row 2/)
    assert.equal((await client.datasets.getSource({ source: 'good' })).unreadable, undefined)
    assert.deepEqual(
      (await client.review.status({})).unreadable.map(({ source }) => source),
      ['bad'],
    )
  })

  test(`rows that cannot be read (${kind}) are listed and removed, with an event that says why`, async (t) => {
    const { client, app } = await testServer(t)
    await plant(app.ctx, 'bad', rows)
    await applyViews(app.ctx, ['bad'])
    await features.warmUp(app.ctx)
    const report = await client.datasets.checkStoredRows({ source: 'bad' })
    assert.deepEqual([report.rows, report.count, report.bad[0]?.seq], [2, 1, 2])
    await client.datasets.removeRows({ source: 'bad', rows: [2], reason: 'a broken sender' })
    assert.equal((await client.datasets.checkStoredRows({ source: 'bad' })).count, 0)
    const found = await client.datasets.getSource({ source: 'bad' })
    assert.deepEqual([found.rows, found.lastSeq, found.unreadable], [1, 2, undefined])
    assert.equal((await client.datasets.snapshot({ source: 'bad' })).rows, 1)
    await features.warmUp(app.ctx)
    const online = await client.features.getOnline({ service: 's_bad', rows: [{ id: 1 }] })
    assert.equal(online.rows[0]?.status['uid'], 'PRESENT')
    const { items } = await client.system.events({ type: 'datasets.rows_removed' })
    assert.deepEqual(items[0]?.data, { rows: [2], reason: 'a broken sender' })
  })
}

test('rows in Parquet segments are removed by writing the segment anew', async (t) => {
  const { client, app } = await testServer(t)
  await datasets.applySource(app.ctx, { source: 'trips', owner: 'ana@team.example', time: 'at' })
  const row = (id: number) => ({ id, at: `2026-01-0${id}T00:00:00.000Z` })
  await client.datasets.append({ source: 'trips', rows: [1, 2, 3].map(row) })
  await compact(app.ctx, 'trips')
  await client.datasets.append({ source: 'trips', rows: [4, 5].map(row) })
  await client.datasets.removeRows({ source: 'trips', rows: [1, 2, 5], reason: 'asked for by its owner' })
  const ids = await datasets.withSource(app.ctx, { source: 'trips' }, (lake, table) =>
    lake.query(`select id::int as id from ${table} order by _seq`),
  )
  assert.deepEqual(ids, [{ id: 3 }, { id: 4 }])
  const { rows, firstTime, lastTime } = await client.datasets.getSource({ source: 'trips' })
  assert.deepEqual([rows, firstTime, lastTime], [2, row(3).at, row(4).at])
  await assert.rejects(
    client.datasets.removeRows({ source: 'trips', rows: [3, 5], reason: 'once more' }),
    /Of 2 rows, 1 are in "trips"/,
  )
  assert.equal((await client.datasets.getSource({ source: 'trips' })).rows, 2)
})

test('a training set says that rows which it read were taken out, and so does a set that is asked for again', async (t) => {
  const { client, app } = await testServer(t)
  await datasets.applySource(app.ctx, { source: 'good', owner: 'ana@team.example', time: 'at' })
  await datasets.applySource(app.ctx, { source: 'spine', owner: 'ana@team.example', time: 'at' })
  await client.datasets.append({ source: 'good', rows: [1, 2].map((id) => ({ id, at, uid: 'x' })) })
  await client.datasets.append({ source: 'spine', rows: [{ id: 1, at }] })
  await applyViews(app.ctx, ['good'])
  const asked = { service: 's_good', source: 'spine', from: '2025-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' }
  const made = await client.features.createTrainingSet(asked)
  await client.datasets.append({ source: 'good', rows: [{ id: 3, at, uid: 'x' }] })
  await client.datasets.removeRows({ source: 'good', rows: [3], reason: 'came later' })
  const removals = async () =>
    (await client.features.getTrainingSet({ trainingSet: made.id })).sources.map(
      ({ removedAt }) => removedAt !== undefined,
    )
  assert.deepEqual(await removals(), [false, false])
  await client.datasets.removeRows({ source: 'good', rows: [2], reason: 'was read' })
  assert.deepEqual(await removals(), [false, true])
  const again = await client.features.createTrainingSet({ ...asked, sources: { spine: 1, good: 2 } })
  assert.notEqual(again.sources[1]?.digest, made.sources[1]?.digest)
  assert.notEqual(again.sources[1]?.removedAt, undefined)
})

test('a segment whose file is gone keeps no server from starting', async (t) => {
  const { client, app } = await testServer(t)
  await datasets.applySource(app.ctx, { source: 'lost', owner: 'ana@team.example', time: 'at' })
  await client.datasets.append({ source: 'lost', rows: [{ id: 1, at, uid: 'x' }] })
  await compact(app.ctx, 'lost')
  const { digest } = await app.ctx.db
    .withTables<DatasetsTables>()
    .selectFrom('source_segments')
    .select('digest')
    .executeTakeFirstOrThrow()
  await app.ctx.blobs.remove(digest)
  await applyViews(app.ctx, ['lost'])
  await features.warmUp(app.ctx)
  await assert.rejects(client.features.getOnline({ service: 's_lost', rows: [{ id: 1 }] }), /"lost" cannot be read/)
  assert.deepEqual(
    (await client.review.status({})).unreadable.map(({ source }) => source),
    ['lost'],
  )
})
