import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import pg from 'pg'
import { hasCode } from '../errors.ts'
import type { Database, Engine } from './engine.ts'
import { shareTransactions } from './shared-transactions.ts'
import { kyselySqlite, openSqlite } from './sqlite.ts'
import type { CoreTables } from './tables.ts'

/** Opens `postgres://…`, or a SQLite file, or `:memory:`. */
export function openDatabase(url: string): Database {
  return /^postgres(ql)?:\/\//.test(url) ? openPostgres(url) : openEmbedded(url)
}

function openEmbedded(path: string): Database {
  const sqlite = openSqlite(path)
  const db = new Kysely<CoreTables>({ dialect: new SqliteDialect({ database: kyselySqlite(sqlite) }) })
  const engine: Engine = {
    name: 'sqlite',
    shared: false,
    identity: 'integer primary key autoincrement',
    clustered: 'without rowid',
    transact: shareTransactions(sqlite),
    isRetryable: () => false,
    claimClause: '',
    eventLock: undefined,
    textColumns: `select tables.name as table_name, columns.name as column_name
      from sqlite_master as tables join pragma_table_info(tables.name) as columns
      where tables.type = 'table' and lower(columns.type) = 'text'`,
    sqlite,
    pool: undefined,
  }
  return { db, engine, close: () => db.destroy() }
}

/**
 * Serialization failure, deadlock: PostgreSQL asks for another try. A unique violation too: doors look before they
 * insert, so it means that somebody else was faster, and the next try sees what they wrote.
 */
const retryableStates = new Set(['40001', '40P01', '23505'])

function openPostgres(url: string): Database {
  pg.types.setTypeParser(pg.types.builtins.INT8, Number)
  pg.types.setTypeParser(pg.types.builtins.NUMERIC, Number)
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  pool.on('error', () => undefined)
  const db = new Kysely<CoreTables>({ dialect: new PostgresDialect({ pool }) })
  const engine: Engine = {
    name: 'postgres',
    shared: true,
    identity: 'bigint generated always as identity primary key',
    clustered: '',
    transact: (outer, work) => outer.transaction().setIsolationLevel('serializable').execute(work),
    isRetryable: (error) => hasCode(error, ...retryableStates),
    claimClause: 'for update skip locked',
    eventLock: 'select pg_advisory_xact_lock(5335)',
    textColumns: `select table_name, column_name from information_schema.columns
      where table_schema = current_schema() and data_type = 'text'`,
    sqlite: undefined,
    pool,
  }
  return { db, engine, close: () => db.destroy() }
}
