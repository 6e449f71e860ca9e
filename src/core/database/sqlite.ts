import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { SqliteDatabase } from 'kysely'

const statementCacheSize = 500

/** Opens a file (or `:memory:`) so that an acknowledged write survives a power cut: WAL with synchronous=FULL. */
export function openSqlite(path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  database.exec(
    'pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma busy_timeout = 5000',
  )
  database.exec('pragma cache_size = -16000; pragma mmap_size = 268435456; pragma temp_store = memory')
  // LIKE is to mean what it means in PostgreSQL.
  database.exec('pragma case_sensitive_like = on')
  return database
}

const nothing = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
}

/** The shape that Kysely's SQLite dialect expects, over node:sqlite, with prepared statements kept. */
export function kyselySqlite(database: DatabaseSync): SqliteDatabase {
  const cache = new Map<string, StatementSync>()

  function prepare(sql: string): StatementSync {
    const known = cache.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    if (cache.size >= statementCacheSize) cache.delete(cache.keys().next().value ?? '')
    cache.set(sql, statement)
    return statement
  }

  return {
    close: () => database.close(),
    prepare(sql) {
      // A full disk makes SQLite roll back by itself; the second rollback would hide the reason.
      if (sql === 'rollback' && !database.isTransaction) return nothing
      const statement = prepare(sql)
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
      }
    },
  }
}
