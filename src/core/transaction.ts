import type { Context } from './context.ts'

const maximumAttempts = 12

/**
 * Runs `work` in one transaction; a nested call joins the outer one. On PostgreSQL it is SERIALIZABLE and may run
 * several times, so `work` must have no effect outside the database. Whatever `afterCommit` was given runs once, after the commit.
 */
export async function transaction<T>(ctx: Context, work: (ctx: Context) => Promise<T>): Promise<T> {
  if (ctx.commitHooks) return work(ctx)
  for (let attempt = 1; ; attempt++) {
    const commitHooks: (() => void)[] = []
    try {
      const result = await ctx.engine.transact(ctx.db, (db) => work({ ...ctx, db, commitHooks }))
      for (const hook of commitHooks) hook()
      return result
    } catch (error) {
      if (attempt >= maximumAttempts || !ctx.engine.isRetryable(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * 2 ** Math.min(attempt, 6)))
    }
  }
}
