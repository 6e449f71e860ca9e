import { Kysely, SqliteDialect } from 'kysely'
import type { Database, Engine } from './engine.ts'
import { shareTransactions } from './shared-transactions.ts'
import { kyselySqlite, openSqlite } from './sqlite.ts'
import type { CoreTables } from './tables.ts'

/** Opens `postgres://…`, or a SQLite file, or `:memory:`. */
export async function openDatabase(url: string): Promise<Database> {
  if (!/^postgres(ql)?:\/\//.test(url)) return openEmbedded(url)
  const { openPostgres } = await import('./postgres.ts')
  return openPostgres(url)
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
