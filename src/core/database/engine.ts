import type { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import type pg from 'pg'
import type { CoreTables } from './tables.ts'

/** What differs between the two databases, as capabilities: nothing else in the product asks which one it is. */
export type Engine = {
  readonly name: 'sqlite' | 'postgres'
  /** Whether other servers may write to the same database. */
  readonly shared: boolean
  /** The column type of a number that the database counts up by itself. */
  readonly identity: string
  /** Ends a `create table` whose rows are best kept in the order of their primary key. */
  readonly clustered: string
  transact<T>(db: Kysely<CoreTables>, work: (db: Kysely<CoreTables>) => Promise<T>): Promise<T>
  isRetryable(error: unknown): boolean
  /** Appended to a `select` that claims work, so that two servers never claim the same row. */
  readonly claimClause: string
  /** Held for the rest of the transaction: makes the order of event numbers the order of commits. */
  readonly eventLock: string | undefined
  /** Lists the columns that hold text: table_name, column_name. */
  readonly textColumns: string
  /** The raw handle for hand-prepared statements on hot paths; PostgreSQL has a pool instead. */
  readonly sqlite: DatabaseSync | undefined
  readonly pool: pg.Pool | undefined
}

export type Database = { db: Kysely<CoreTables>; engine: Engine; close(): Promise<void> }

/** Forward only, applied once; each in one transaction, all of an empty database in a single one. The statements use the portable subset of both databases. */
export type Migration = { name: string; up: (engine: Engine) => string[] }
