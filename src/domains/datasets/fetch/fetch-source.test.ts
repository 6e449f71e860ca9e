import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../../test/support/context.ts'
import { createDatabase } from '../../../../test/support/database.ts'
import { testBucket } from '../../../../test/support/s3.ts'
import { readEnvironment } from '../../../core/config.ts'
import type { Context } from '../../../core/context.ts'
import { openLake } from '../../../core/lake.ts'
import * as datasets from '../datasets.ts'

const old = new Date('2026-01-01T00:00:00Z')

/** A file that nobody writes to any more. */
function write(path: string, text: string, at = old): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
  utimesSync(path, at, at)
}

async function begin(t: TestContext, from: NonNullable<datasets.Definition['from']>) {
  const server = await testServer(t, { settings: { egress: '127.0.0.1' } })
  const { ctx } = server.app
  await datasets.applySource(ctx, { source: 'crm', owner: 'ana@team.example', time: 'at', key: ['id'], from })
  await server.app.worker.drain()
  const rows = () =>
    datasets.withSource(ctx, { source: 'crm' }, (lake, table) =>
      lake.query(`select id, churned from ${table} order by _seq`),
    )
  const ids = async () => (await rows()).map(({ id }) => String(id)).join(' ')
  return { ...server, ctx, root: ctx.root, rows, ids, look: () => datasets.fetch(ctx, { source: 'crm' }) }
}

test('files of a folder become rows, each once, however often it is looked at', async (t) => {
  const { root, ids, look } = await begin(t, { files: 'exports' })
  write(join(root, 'exports/2026/a.csv'), 'id,at,churned\na,2026-01-01T00:00:00Z,1\nb,2026-01-02,0\n')
  write(join(root, 'exports/b.jsonl'), '{"id":"c","at":"2026-01-03T00:00:00Z","churned":1}\n')
  write(join(root, 'exports/notes.txt'), 'not a table')
  const lake = openLake()
  await lake.writeParquet(
    join(root, 'exports/c.parquet'),
    `select 'd' as id, timestamp '2026-01-04 10:00:00' as "at", 0 as churned`,
  )
  lake.close()
  const first = await look()
  assert.deepEqual([first.rows, first.bad, first.problem], [4, 0, null])
  assert.equal(await ids(), 'a b c d')
  assert.equal((await look()).rows, 0)
  assert.equal(await ids(), 'a b c d')
})

test('a file that became longer gives its new rows, one that is another under its name all of them', async (t) => {
  const { root, ids, look } = await begin(t, { files: 'exports/*.csv' })
  const path = join(root, 'exports/a.csv')
  write(path, 'id,at,churned\na,2026-01-01,1\n')
  await look()
  appendFileSync(path, 'b,2026-01-02,0\nc,2026-01-02,0\n')
  utimesSync(path, old, new Date('2026-01-02T00:00:00Z'))
  assert.equal((await look()).rows, 2)
  write(path, 'id,at,churned\na,2026-01-01,0\nb,2026-01-02,0\n', new Date('2026-01-03T00:00:00Z'))
  assert.equal((await look()).rows, 2)
  assert.equal(await ids(), 'a b c a b')
})

test('a last line that somebody is writing is left until it has its end', async (t) => {
  const { root, ids, look } = await begin(t, { files: 'exports' })
  const path = join(root, 'exports/a.csv')
  write(path, 'id,at,churned\na,2026-01-01,1\nb,2026-01-', new Date())
  assert.equal((await look()).rows, 1)
  appendFileSync(path, '02,0\n')
  assert.equal((await look()).rows, 1)
  assert.equal(await ids(), 'a b')
  const last = join(root, 'exports/b.csv')
  write(last, 'id,at,churned\nc,2026-01-01,1')
  assert.equal((await look()).rows, 1)
})

test('bad rows are listed by file and row and do not stop the others, nor does a file that is none', async (t) => {
  const { root, ids, look, client } = await begin(t, { files: 'exports' })
  write(
    join(root, 'exports/a.csv'),
    'id,at,churned\na,2026-01-01,1\nb,yesterday,0\nc,2026-01-02\nd,2026-01-03,0\ne,,0\nf,2026-01-04,1\n',
  )
  write(
    join(root, 'exports/b.jsonl'),
    '{"id":"g","at":"2026-01-05","churned":1}\n{"id":"h"\n{"id":"i","at":"2026-01-05"}\n',
  )
  write(join(root, 'exports/c.parquet'), 'no parquet')
  const done = await look()
  assert.deepEqual([done.rows, done.bad], [5, 4])
  assert.equal(await ids(), 'a d f g i')
  assert.match(done.problem ?? '', /c\.parquet.* is not a Parquet file/)
  const { fetch } = await client.datasets.getSource({ source: 'crm' })
  const said = fetch?.badRows.map(({ file, row, what }) => `${file.replace('exports/', '')} ${row} ${what}`) ?? []
  assert.match(said[0] ?? '', /^a\.csv 2 "at": "yesterday" must be a time/)
  assert.match(said[1] ?? '', /^a\.csv 3 has 2 fields, the header has 3/)
  assert.match(said[2] ?? '', /^a\.csv 5 "at": .* is missing/)
  assert.match(said[3] ?? '', /^b\.jsonl 2 is not JSON/)
  assert.deepEqual([(await look()).rows, (await look()).bad], [0, 4])
  // Mended, it is read anew, and nothing is wrong any more.
  rmSync(join(root, 'exports/c.parquet'))
  write(join(root, 'exports/b.jsonl'), '{"id":"g","at":"2026-01-05","churned":1}\n', new Date('2026-01-06T00:00:00Z'))
  const mended = await look()
  assert.deepEqual([mended.rows, mended.bad, mended.problem], [1, 3, null])
})

test('a place that cannot be read is an alert and a line of the doctor until it can', async (t) => {
  const { root, app, look, client } = await begin(t, { files: 'exports' })
  await app.worker.drain()
  const firing = async () => (await client.monitoring.listAlerts({ model: 'source.crm', state: 'firing' })).items
  const [alert] = await firing()
  assert.match(alert?.summary ?? '', /"crm" could not be fetched: "exports" is not there\./)
  assert.deepEqual((await client.review.status({})).fetching, [
    { what: 'source crm', problem: '"exports" is not there' },
  ])
  write(join(root, 'exports/a.csv'), 'id,at,churned\na,2026-01-01,1\n')
  await look()
  await app.worker.drain()
  assert.deepEqual(await firing(), [])
})

test('a store on a private network is asked only where the setting egress names it', async (t) => {
  const { look } = await begin(t, { files: 's3://bucket/x?endpoint=http://10.0.0.7:9000' })
  assert.match((await look()).problem ?? '', /10\.0\.0\.7/)
})

test('two that look at once take each row once', async (t) => {
  const { root, ids, ctx } = await begin(t, { files: 'exports' })
  write(
    join(root, 'exports/a.csv'),
    `id,at,churned\n${Array.from({ length: 50 }, (_, n) => `r${n},2026-01-01,0\n`).join('')}`,
  )
  // As another server does, which knows nothing of the look here.
  const other = { ...ctx, live: new Map(ctx.live) }
  other.live.delete('datasets.fetching')
  const looks = await Promise.all([
    datasets.fetchSource(ctx, { source: 'crm' }),
    datasets.fetchSource(other, { source: 'crm' }),
  ])
  assert.deepEqual(
    looks.map(({ problem }) => problem),
    [null, null],
  )
  await datasets.fetchSource(ctx, { source: 'crm' })
  assert.equal((await ids()).split(' ').length, 50)
})

test('new files are found by themselves, as often as the definition says', async (t) => {
  const { root, ids, app, ctx } = await begin(t, { files: 'exports', every: '5m' })
  mkdirSync(join(root, 'exports'))
  await app.worker.drain()
  write(join(root, 'exports/a.csv'), 'id,at,churned\na,2026-01-01,1\n')
  await app.worker.advance(new Date(ctx.now().getTime() + 10 * 60_000))
  assert.equal(await ids(), 'a')
  await datasets.applySource(ctx, { source: 'crm', owner: 'ana@team.example', time: 'at', key: ['id'] })
  write(join(root, 'exports/b.csv'), 'id,at,churned\nb,2026-01-01,1\n')
  await app.worker.advance(new Date(ctx.now().getTime() + 10 * 60_000))
  assert.equal(await ids(), 'a')
  await assert.rejects(datasets.fetch(ctx, { source: 'crm' }), /does not say where its rows are fetched from/)
})

test('a look that was stopped in the middle of a file goes on behind the last rows that were stored', async (t) => {
  const { root, look, rows, ctx } = await begin(t, { files: 'exports' })
  const lines = Array.from({ length: 5_000 }, (_, index) => `r${index},2026-01-01,0`)
  write(join(root, 'exports/a.csv'), `id,at,churned\n${lines.join('\n')}\n`)
  await assert.rejects(datasets.fetchSource(killedAfter(ctx, 3), { source: 'crm' }), /killed/)
  assert.equal((await rows()).length, 2_000)
  assert.equal((await look()).rows, 3_000)
  assert.equal(new Set((await rows()).map(({ id }) => id)).size, 5_000)
  assert.equal((await rows()).length, 5_000)
})

/** A context whose server is killed after so many transactions: where the look begins, where the file does, and its batches. */
function killedAfter(ctx: Context, transactions: number): Context {
  let left = transactions
  const transact: Context['engine']['transact'] = (db, work) => {
    if (left-- <= 0) throw new Error('killed')
    return ctx.engine.transact(db, work)
  }
  return { ...ctx, engine: { ...ctx.engine, transact } }
}

const withS3 = readEnvironment()['TEST_S3'] === undefined && 'needs TEST_S3'

test('files below a prefix of a bucket are read as those of a folder', { skip: withS3 }, async (t) => {
  const url = new URL((await testBucket(t)) ?? '')
  const s3 = await import('@aws-sdk/client-s3')
  const store = new s3.S3Client({
    endpoint: url.searchParams.get('endpoint') ?? '',
    region: 'us-east-1',
    forcePathStyle: true,
  })
  t.after(() => store.destroy())
  const put = (Key: string, Body: string) => store.send(new s3.PutObjectCommand({ Bucket: url.host, Key, Body }))
  const { ids, look } = await begin(t, { files: url.toString() })
  await put('some/where/2026/a.csv', 'id,at,churned\na,2026-01-01,1\n')
  await put('elsewhere/b.csv', 'id,at,churned\nz,2026-01-01,1\n')
  const done = await look()
  assert.deepEqual([done.rows, done.problem], [1, null])
  await put('some/where/2026/b.jsonl', '{"id":"b","at":"2026-01-02"}\n')
  assert.equal((await look()).rows, 1)
  assert.equal(await ids(), 'a b')
})

test('a bucket that is not there is said, without any secret', { skip: withS3 }, async (t) => {
  const endpoint = encodeURIComponent(readEnvironment()['TEST_S3'] ?? '')
  const { look } = await begin(t, { files: `s3://no-such-bucket-here/x?endpoint=${endpoint}` })
  assert.match((await look()).problem ?? '', /^The object store did not do what it was asked \(NoSuchBucket\)$/)
})

const withPostgres = readEnvironment()['TEST_PG'] === undefined && 'needs TEST_PG'

async function crmDatabase(t: TestContext) {
  const { database, drop } = await createDatabase()
  const { default: pg } = await import('pg')
  const db = new pg.Client({ connectionString: database })
  await db.connect()
  process.env['CRM_URL'] = database
  t.after(async () => {
    delete process.env['CRM_URL']
    await db.end()
    await drop()
  })
  return { database, db }
}

test('rows of a query come by its cursor: each once, also those that change later', {
  skip: withPostgres,
}, async (t) => {
  const { database, db } = await crmDatabase(t)
  await db.query(`create table customers (id bigint, churned boolean, at timestamptz, updated_at timestamptz);
    insert into customers values (9007199254740993, true, '2026-01-01 01:00+01', '2026-01-05 00:00:00.000001+00'),
      (2, false, '2026-01-02', '2026-01-05 00:00:00.000002+00'), (3, null, '2026-01-02', '2026-01-05 00:00:00.000002+00')`)
  const { rows, look } = await begin(t, {
    postgres: 'CRM_URL',
    query: 'select id, churned, at, updated_at from customers;',
    cursor: 'updated_at',
  })
  assert.equal((await rows()).length, 3)
  assert.deepEqual((await rows())[0], { id: 9007199254740993n, churned: true })
  assert.equal((await look()).rows, 0)
  // Committed later with the same moment as the newest that was seen, and one that was corrected.
  await db.query(`insert into customers values (4, true, '2026-01-03', '2026-01-05 00:00:00.000002+00');
    update customers set churned = true, updated_at = '2026-01-06' where id = 2`)
  assert.equal((await look()).rows, 2)
  assert.deepEqual(
    (await rows()).map(({ id, churned }) => `${id} ${churned}`),
    ['9007199254740993 true', '2 false', '3 null', '4 true', '2 true'],
  )
  await db.query('drop table customers')
  const { problem } = await look()
  assert.match(problem ?? '', /relation "customers" does not exist/)
  assert.ok(!problem?.includes(new URL(database).password || '@'))
})

test('a query cannot write, and an address that is not set is said by its name', { skip: withPostgres }, async (t) => {
  await crmDatabase(t)
  const writing = await begin(t, { postgres: 'CRM_URL', query: `select nextval('s') as id, now() as at`, cursor: 'at' })
  assert.match((await writing.look()).problem ?? '', /does not exist|read-only/)
  const unset = await begin(t, { postgres: 'NO_SUCH_URL', query: 'select 1 as id, now() as at', cursor: 'at' })
  assert.match((await unset.look()).problem ?? '', /has no NO_SUCH_URL with postgres/)
})
