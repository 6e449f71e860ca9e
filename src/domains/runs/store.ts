import { sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import type { ExperimentsTable, PairTable, RunsTable, RunsTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<RunsTables>()

/** Values bound by one statement: both databases limit them. */
export const chunk = 5_000

export async function findExperiment(
  ctx: Context,
  by: { id: number } | { name: string },
): Promise<ExperimentsTable | undefined> {
  const query = tables(ctx).selectFrom('experiments').selectAll()
  return ('id' in by ? query.where('id', '=', by.id) : query.where('name', '=', by.name)).executeTakeFirst()
}

export async function insertExperiment(ctx: Context, row: ExperimentsTable): Promise<void> {
  await tables(ctx).insertInto('experiments').values(row).execute()
}

export async function updateExperiment(ctx: Context, id: number, values: Partial<ExperimentsTable>): Promise<void> {
  await tables(ctx).updateTable('experiments').set(values).where('id', '=', id).execute()
}

export async function largestExperimentId(ctx: Context): Promise<number> {
  const { rows } = await sql<{ n: number | null }>`select max(id) as n from experiments`.execute(ctx.db)
  return Number(rows[0]?.n ?? -1)
}

export async function listExperiments(
  ctx: Context,
  before: number | undefined,
  limit: number,
): Promise<ExperimentsTable[]> {
  const query = tables(ctx)
    .selectFrom('experiments')
    .selectAll()
    .where('deleted', '=', 0)
    .orderBy('id', 'desc')
    .limit(limit)
  return (before === undefined ? query : query.where('id', '<', before)).execute()
}

export async function experimentTags(ctx: Context, ids: number[]) {
  if (ids.length === 0) return []
  return tables(ctx)
    .selectFrom('experiment_tags')
    .selectAll()
    .where('experiment_id', 'in', ids)
    .orderBy('key')
    .execute()
}

export async function saveExperimentTag(ctx: Context, experiment: number, key: string, value: string): Promise<void> {
  await tables(ctx)
    .insertInto('experiment_tags')
    .values({ experiment_id: experiment, key, value })
    .onConflict((conflict) => conflict.columns(['experiment_id', 'key']).doUpdateSet({ value }))
    .execute()
}

export async function removeExperimentTag(ctx: Context, experiment: number, key: string): Promise<boolean> {
  const { numDeletedRows } = await tables(ctx)
    .deleteFrom('experiment_tags')
    .where('experiment_id', '=', experiment)
    .where('key', '=', key)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export async function insertRun(ctx: Context, row: Omit<RunsTable, 'number'>): Promise<RunsTable> {
  return tables(ctx)
    .insertInto('runs')
    .values(row as RunsTable)
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function findRun(ctx: Context, id: string): Promise<RunsTable | undefined> {
  return tables(ctx).selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function findRuns(ctx: Context, ids: string[]): Promise<RunsTable[]> {
  return tables(ctx).selectFrom('runs').selectAll().where('id', 'in', ids).execute()
}

export async function updateRun(ctx: Context, number: number, values: Partial<RunsTable>): Promise<void> {
  await tables(ctx).updateTable('runs').set(values).where('number', '=', number).execute()
}

/** Deletes or restores all runs of an experiment; runs that were deleted one by one stay deleted when it is restored. */
export async function markRunsOf(ctx: Context, experiment: number, from: number, to: number): Promise<void> {
  await tables(ctx)
    .updateTable('runs')
    .set({ deleted: to })
    .where('experiment_id', '=', experiment)
    .where('deleted', '=', from)
    .execute()
}

export async function pairs(ctx: Context, table: 'run_params' | 'run_tags', runs: number[]): Promise<PairTable[]> {
  const found: PairTable[] = []
  for (let at = 0; at < runs.length; at += chunk) {
    const some = runs.slice(at, at + chunk)
    found.push(
      ...(await tables(ctx)
        .selectFrom(table)
        .selectAll()
        .where('run', 'in', some)
        .orderBy('run')
        .orderBy('key')
        .execute()),
    )
  }
  return found
}

export async function findTag(ctx: Context, run: number, key: string): Promise<string | undefined> {
  const row = await tables(ctx)
    .selectFrom('run_tags')
    .select('value')
    .where('run', '=', run)
    .where('key', '=', key)
    .executeTakeFirst()
  return row?.value
}

export async function removeTag(ctx: Context, run: number, key: string): Promise<void> {
  await tables(ctx).deleteFrom('run_tags').where('run', '=', run).where('key', '=', key).execute()
}
