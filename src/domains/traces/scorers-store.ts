import type { Context } from '../../core/context.ts'
import type { ScorersTable, TracesTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<TracesTables>()

/** Oldest version first. */
export function listScorers(ctx: Context, experiment: number, name?: string): Promise<ScorersTable[]> {
  const query = tables(ctx).selectFrom('scorers').selectAll().where('experiment_id', '=', experiment)
  return (name === undefined ? query : query.where('name', '=', name)).orderBy('name').orderBy('version').execute()
}

export async function insertScorer(ctx: Context, row: ScorersTable): Promise<void> {
  await tables(ctx).insertInto('scorers').values(row).execute()
}

export async function removeScorer(ctx: Context, experiment: number, name: string, version?: number): Promise<number> {
  const query = tables(ctx).deleteFrom('scorers').where('experiment_id', '=', experiment).where('name', '=', name)
  const result = await (version === undefined ? query : query.where('version', '=', version)).executeTakeFirst()
  return Number(result.numDeletedRows)
}
