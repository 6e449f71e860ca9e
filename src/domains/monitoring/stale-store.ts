import type { Context } from '../../core/context.ts'
import type { MonitoringTables, StaleWindowsTable } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<MonitoringTables>()

/** Late rows are the stronger reason: with them everything of the window is counted again. */
export async function markStale(ctx: Context, rows: StaleWindowsTable[]): Promise<void> {
  for (const row of rows) {
    const { mark, cause } = row
    await tables(ctx)
      .insertInto('stale_windows')
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(['model', 'at']).doUpdateSet(cause === 'rows' ? { mark, cause } : { mark }),
      )
      .execute()
  }
}

/** Those that were marked longest ago first. */
export async function listStale(ctx: Context, model: string, limit: number): Promise<StaleWindowsTable[]> {
  return tables(ctx)
    .selectFrom('stale_windows')
    .selectAll()
    .where('model', '=', model)
    .orderBy('mark')
    .limit(limit)
    .execute()
}

export async function staleBetween(
  ctx: Context,
  { model, from, to }: { model: string; from: string; to: string },
): Promise<StaleWindowsTable[]> {
  return tables(ctx)
    .selectFrom('stale_windows')
    .selectAll()
    .where('model', '=', model)
    .where('at', '>=', from)
    .where('at', '<', to)
    .execute()
}

/** Only as they were read: one that was marked again since stays. */
export async function removeStale(ctx: Context, rows: readonly StaleWindowsTable[]): Promise<void> {
  for (const { model, at, mark } of rows)
    await tables(ctx)
      .deleteFrom('stale_windows')
      .where('model', '=', model)
      .where('at', '=', at)
      .where('mark', '=', mark)
      .execute()
}
