import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { hasCode } from '../errors.ts'
import type { Database, Engine } from './engine.ts'
import type { CoreTables } from './tables.ts'

/**
 * Serialization failure, deadlock: PostgreSQL asks for another try. A unique violation too: doors look before they
 * insert, so it means that somebody else was faster, and the next try sees what they wrote. Out of shared memory: too many
 * transactions at once were watched for conflicts, and those end.
 */
const retryableStates = new Set(['40001', '40P01', '23505', '53200'])

export function openPostgres(url: string): Database {
  pg.types.setTypeParser(pg.types.builtins.INT8, Number)
  pg.types.setTypeParser(pg.types.builtins.NUMERIC, Number)
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  pool.on('error', () => undefined)
  // Whoever waits for an answer is told; a connection that is lost between two questions must not end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
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
