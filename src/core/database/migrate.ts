import { type Kysely, sql } from 'kysely'
import { AppError } from '../errors.ts'
import type { Database, Engine, Migration } from './engine.ts'
import type { CoreTables } from './tables.ts'

/**
 * Brings the database to the given list, an empty one in a single transaction; a database that knows more than we do is
 * refused untouched. Returns what was applied.
 */
export async function migrate({ db, engine }: Database, migrations: Migration[]): Promise<string[]> {
  await sql.raw('create table if not exists migrations (name text primary key, applied_at text not null)').execute(db)
  const applied = await appliedTo(db)
  const known = new Set(migrations.map((migration) => migration.name))
  const newer = [...applied].find((name) => !known.has(name))
  if (newer !== undefined) {
    throw new AppError(
      'database_newer',
      `The database has the migration "${newer}", which this version does not know.`,
      {
        name: newer,
        hint: 'Install the version of evenkeel that wrote it, or stop the server and put a copy of the data folder or database from before the upgrade in its place.',
      },
    )
  }
  const missing = migrations.filter((migration) => !applied.has(migration.name))
  const steps = applied.size === 0 ? [missing] : missing.map((migration) => [migration])
  for (const step of steps) await engine.transact(db, (trx) => apply(trx, engine, step))
  return missing.map((migration) => migration.name)
}

async function apply(db: Kysely<CoreTables>, engine: Engine, migrations: Migration[]): Promise<void> {
  const repeated = await appliedTo(db)
  for (const { name, up } of migrations) {
    if (repeated.has(name)) continue
    for (const statement of up(engine)) await sql.raw(statement).execute(db)
    const at = new Date().toISOString()
    await sql`insert into migrations (name, applied_at) values (${name}, ${at})`.execute(db)
  }
}

async function appliedTo(db: Kysely<CoreTables>): Promise<Set<string>> {
  const { rows } = await sql<{ name: string }>`select name from migrations`.execute(db)
  return new Set(rows.map((row) => row.name))
}
