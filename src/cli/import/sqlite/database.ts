import { existsSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { invalidInput } from '../../../core/errors.ts'
import type { Row } from './rows.ts'

/** An MLflow database, opened to be read only. */
export type MlflowDatabase = {
  all(sql: string, ...values: SQLInputValue[]): Row[]
  /** Row by row, for what may be too much to hold. */
  iterate(sql: string, ...values: SQLInputValue[]): Iterable<Row>
  /** Tables that older versions of MLflow do not have are empty. */
  from(table: string, rest: string, ...values: SQLInputValue[]): Row[]
  close(): void
}

export function openDatabase(path: string): MlflowDatabase {
  const database = openReadOnly(path)
  const all = (sql: string, ...values: SQLInputValue[]) => database.prepare(sql).all(...values) as Row[]
  const known = new Set(all("select name from sqlite_master where type = 'table'").map(({ name }) => String(name)))
  if (!known.has('runs') || !known.has('experiments'))
    throw invalidInput(`"${path}" is not a database of MLflow.`, { name: path })
  return {
    all,
    iterate: (sql, ...values) => database.prepare(sql).iterate(...values) as Iterable<Row>,
    from: (table, rest, ...values) => (known.has(table) ? all(`select * from ${table} ${rest}`, ...values) : []),
    close: () => database.close(),
  }
}

function openReadOnly(path: string): DatabaseSync {
  if (!existsSync(path)) throw invalidInput(`There is no file "${path}".`, { name: path })
  return new DatabaseSync(path, { readOnly: true })
}
