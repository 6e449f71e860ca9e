import { sql } from 'kysely'
import { AppError } from '../errors.ts'
import type { Database, Migration } from './engine.ts'

/** Brings the database to the given list; a database that knows more than we do is refused untouched. Returns what was applied. */
export async function migrate({ db, engine }: Database, migrations: Migration[]): Promise<string[]> {
  await sql.raw('create table if not exists migrations (name text primary key, applied_at text not null)').execute(db)
  const { rows } = await sql<{ name: string }>`select name from migrations`.execute(db)
  const applied = new Set(rows.map((row) => row.name))
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
  for (const migration of missing) {
    await engine.transact(db, async (trx) => {
      const repeated = await sql<{ name: string }>`select name from migrations where name = ${migration.name}`.execute(
        trx,
      )
      if (repeated.rows.length > 0) return
      for (const statement of migration.up(engine)) await sql.raw(statement).execute(trx)
      const at = new Date().toISOString()
      await sql`insert into migrations (name, applied_at) values (${migration.name}, ${at})`.execute(trx)
    })
  }
  return missing.map((migration) => migration.name)
}
