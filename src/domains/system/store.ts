import { sql } from 'kysely'
import type { Context } from '../../core/context.ts'

/** Throws when the database does not answer. */
export async function askDatabase(ctx: Context): Promise<void> {
  await sql`select 1`.execute(ctx.db)
}

/** What SQLite finds when it looks through its own file. */
export async function isIntact(ctx: Context): Promise<boolean> {
  const { rows } = await sql<{ quick_check: string }>`pragma quick_check`.execute(ctx.db)
  return rows[0]?.quick_check === 'ok'
}

/** Sets the simulated clock, unless it has been set before. */
export async function beginClock(ctx: Context, now: string): Promise<void> {
  await ctx.db
    .insertInto('clock')
    .values({ id: 1, now })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

export async function saveClock(ctx: Context, now: string): Promise<void> {
  await ctx.db
    .insertInto('clock')
    .values({ id: 1, now })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ now }))
    .execute()
}

/** The saved instant and that of the newest event; undefined where no simulated clock was ever saved. */
export async function readClock(ctx: Context): Promise<{ saved: string; latestEvent: string | null } | undefined> {
  const row = await ctx.db.selectFrom('clock').select('now').where('id', '=', 1).executeTakeFirst()
  if (!row) return undefined
  const latest = await ctx.db.selectFrom('events').select(ctx.db.fn.max('at').as('at')).executeTakeFirst()
  return { saved: row.now, latestEvent: latest?.at ?? null }
}

export async function countFailedJobs(ctx: Context): Promise<number> {
  const { n } = await ctx.db
    .selectFrom('jobs')
    .select(ctx.db.fn.countAll<number>().as('n'))
    .where('state', '=', 'failed')
    .executeTakeFirstOrThrow()
  return Number(n)
}
