import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { type Database, type Migration, migrate, openDatabase } from './database.ts'

const first: Migration = { name: 'trial/001-first', up: () => ['create table first (id text primary key)'] }
const second: Migration = { name: 'trial/002-second', up: () => ['create table second (id text primary key)'] }
const broken: Migration = { name: 'trial/003-broken', up: () => ['create table third (id'] }

async function emptyDatabase(t: TestContext): Promise<Database> {
  const database = await openDatabase(':memory:')
  t.after(() => database.close())
  return database
}

async function applied({ db }: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from migrations order by name`.execute(db)
  return rows.map(({ name }) => name)
}

test('an empty database gets all of its tables or none', async (t) => {
  const database = await emptyDatabase(t)
  await assert.rejects(migrate(database, [first, second, broken]))
  assert.deepEqual(await applied(database), [])
  assert.deepEqual(await migrate(database, [first, second]), [first.name, second.name])
  assert.deepEqual(await applied(database), [first.name, second.name])
})

test('a database that is in use keeps each migration that went well', async (t) => {
  const database = await emptyDatabase(t)
  await migrate(database, [first])
  await assert.rejects(migrate(database, [first, second, broken]))
  assert.deepEqual(await applied(database), [first.name, second.name])
})
