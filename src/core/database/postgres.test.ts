import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { testContext } from '../../../test/support/context.ts'
import { onPostgres } from '../../../test/support/database.ts'
import { toAppError } from '../errors.ts'
import { transaction } from '../transaction.ts'

test('a PostgreSQL that ends its connections is told as such, ends no process, and is used again when it is back', {
  skip: !onPostgres() && 'only a database of its own can restart alone',
}, async (t) => {
  const ctx = await testContext(t)
  const others = sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`
  const told: string[] = []
  const slow = (db: typeof ctx.db) => sql`select pg_sleep(20)`.execute(db)
  const tell = (error: unknown) => {
    const { code, message } = toAppError(error)
    told.push(`${code}: ${message.split(':')[0]}`)
  }
  const asked = [
    ...Array.from({ length: 4 }, () => slow(ctx.db).catch(tell)),
    transaction(ctx, ({ db }) => slow(db)).catch(tell),
    // Between two questions nobody waits for the answer that says so.
    transaction(ctx, async ({ db }) => {
      await sql`select 1`.execute(db)
      await pause(1_500)
      await sql`select 1`.execute(db)
    }).catch(tell),
  ]
  await pause(500)
  await others.execute(ctx.db)
  await Promise.all(asked)
  assert.deepEqual(told, new Array(6).fill('not_ready: The database does not answer'))
  await transaction(ctx, ({ db }) => sql`select 1`.execute(db))
  for (let count = 0; count < 12; count++) await sql`select 1`.execute(ctx.db)
})
