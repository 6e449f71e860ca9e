import { sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import type { ExperimentsTable, MetricsTable, PairTable, RunsTable, RunsTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<RunsTables>()

/** Rows per statement: both databases limit the number of bound values. */
const chunk = 500

export async function findExperiment(
  ctx: Context,
  by: 'id' | 'name',
  value: string,
): Promise<ExperimentsTable | undefined> {
  return tables(ctx).selectFrom('experiments').selectAll().where(by, '=', value).executeTakeFirst()
}

export async function insertExperiment(ctx: Context, row: ExperimentsTable): Promise<void> {
  await tables(ctx).insertInto('experiments').values(row).execute()
}

/** Ids are texts that count: 1, 2, 3 … (0 is "Default"). */
export async function largestExperimentId(ctx: Context): Promise<number> {
  const { rows } = await sql<{ n: number | null }>`select max(cast(id as bigint)) as n from experiments`.execute(ctx.db)
  return Number(rows[0]?.n ?? -1)
}

export async function listExperiments(
  ctx: Context,
  before: string | undefined,
  limit: number,
): Promise<ExperimentsTable[]> {
  const query = tables(ctx)
    .selectFrom('experiments')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  return (before === undefined ? query : query.where('created_at', '<', before)).execute()
}

export async function insertRun(ctx: Context, row: RunsTable): Promise<void> {
  await tables(ctx).insertInto('runs').values(row).execute()
}

export async function findRun(ctx: Context, id: string): Promise<RunsTable | undefined> {
  return tables(ctx).selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function listRuns(
  ctx: Context,
  experiment: string | undefined,
  before: string | undefined,
  limit: number,
): Promise<RunsTable[]> {
  let query = tables(ctx).selectFrom('runs').selectAll().orderBy('position', 'desc').limit(limit)
  if (experiment !== undefined) query = query.where('experiment_id', '=', experiment)
  if (before !== undefined) query = query.where('position', '<', before)
  return query.execute()
}

export async function endRun(ctx: Context, id: string, status: string, at: string): Promise<void> {
  await tables(ctx).updateTable('runs').set({ status, ended_at: at }).where('id', '=', id).execute()
}

export async function pairs(ctx: Context, table: 'run_params' | 'run_tags', runs: string[]): Promise<PairTable[]> {
  if (runs.length === 0) return []
  return tables(ctx).selectFrom(table).selectAll().where('run_id', 'in', runs).orderBy('key').execute()
}

/** Params never change: writing the same value again is nothing, another value is the caller's mistake. */
export async function insertParams(ctx: Context, rows: PairTable[]): Promise<void> {
  for (let at = 0; at < rows.length; at += chunk) {
    await tables(ctx)
      .insertInto('run_params')
      .values(rows.slice(at, at + chunk))
      .onConflict((conflict) => conflict.columns(['run_id', 'key']).doNothing())
      .execute()
  }
}

export async function saveTags(ctx: Context, rows: PairTable[]): Promise<void> {
  for (const row of rows) {
    await tables(ctx)
      .insertInto('run_tags')
      .values(row)
      .onConflict((conflict) => conflict.columns(['run_id', 'key']).doUpdateSet({ value: row.value }))
      .execute()
  }
}

export type NewMetric = Omit<MetricsTable, 'seq'>

/** Appends to the history and moves the latest value forward, never back to an earlier step. */
export async function insertMetrics(ctx: Context, rows: NewMetric[]): Promise<void> {
  for (let at = 0; at < rows.length; at += chunk) {
    await tables(ctx)
      .insertInto('metrics')
      .values(rows.slice(at, at + chunk) as MetricsTable[])
      .execute()
  }
  for (const row of newest(rows)) {
    await tables(ctx)
      .insertInto('latest_metrics')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['run_id', 'key'])
          .doUpdateSet({ step: row.step, at: row.at, value: row.value, special: row.special })
          .where('latest_metrics.step', '<=', row.step),
      )
      .execute()
  }
}

function newest(rows: NewMetric[]): NewMetric[] {
  const byKey = new Map<string, NewMetric>()
  for (const row of rows) {
    const key = `${row.run_id} ${row.key}`
    const known = byKey.get(key)
    if (!known || row.step >= known.step) byKey.set(key, row)
  }
  return [...byKey.values()]
}

export async function latestMetrics(ctx: Context, runs: string[]): Promise<Omit<MetricsTable, 'seq'>[]> {
  if (runs.length === 0) return []
  return tables(ctx).selectFrom('latest_metrics').selectAll().where('run_id', 'in', runs).orderBy('key').execute()
}

export async function history(
  ctx: Context,
  run: string,
  key: string,
  after: { step: number; seq: number } | undefined,
  limit: number,
): Promise<MetricsTable[]> {
  let query = tables(ctx).selectFrom('metrics').selectAll().where('run_id', '=', run).where('key', '=', key)
  if (after) {
    query = query.where((eb) =>
      eb.or([eb('step', '>', after.step), eb.and([eb('step', '=', after.step), eb('seq', '>', after.seq)])]),
    )
  }
  return query.orderBy('step').orderBy('seq').limit(limit).execute()
}
