import pg from 'pg'
import { readEnvironment } from '../../src/core/config.ts'

export type OwnDatabase = { database: string; drop: () => Promise<void> }

/** Whether this pass runs on the PostgreSQL of TEST_PG; on SQLite otherwise. */
export function onPostgres(): boolean {
  return readEnvironment()['KEEL_TEST_ENGINE'] === 'postgres'
}

/** A database of its own, a copy of `template` where that is given. */
export async function createDatabase(template?: string): Promise<OwnDatabase> {
  const url = readEnvironment()['TEST_PG']
  if (url === undefined) throw new Error('KEEL_TEST_ENGINE=postgres needs TEST_PG')
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  await ask(url, `create database ${name}${template === undefined ? '' : ` template ${template}`}`)
  const own = new URL(url)
  own.pathname = name
  return { database: own.toString(), drop: () => ask(url, `drop database ${name} with (force)`) }
}

async function ask(url: string, statement: string): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    await admin.query(statement)
  } finally {
    await admin.end()
  }
}
