import type { Context } from '../../core/context.ts'
import type { LatestMetricsTable, MetricsTable, RunsTables } from './schema.ts'
import { chunk } from './store.ts'

const tables = (ctx: Context) => ctx.db.withTables<RunsTables>()

export async function latestMetrics(ctx: Context, runs: number[]): Promise<LatestMetricsTable[]> {
  const found: LatestMetricsTable[] = []
  for (let at = 0; at < runs.length; at += chunk) {
    const some = runs.slice(at, at + chunk)
    found.push(
      ...(await tables(ctx)
        .selectFrom('latest_metrics')
        .selectAll()
        .where('run', 'in', some)
        .orderBy('run')
        .orderBy('key')
        .execute()),
    )
  }
  return found
}

type Position = Pick<MetricsTable, 'step' | 'at' | 'value'>
type Page = { run: number; key: string; after: Position | undefined; limit: number }

/** In order of steps, as screens show a metric. */
export async function historyBySteps(ctx: Context, { run, key, after, limit }: Page): Promise<MetricsTable[]> {
  let query = tables(ctx).selectFrom('metrics').selectAll().where('run', '=', run).where('key', '=', key)
  if (after) {
    query = query.where((eb) =>
      eb(eb.refTuple('step', 'at', 'value'), '>', eb.tuple(after.step, after.at, after.value)),
    )
  }
  return query.orderBy('step').orderBy('at').orderBy('value').limit(limit).execute()
}

/** In order of time: how MLflow's clients expect it. */
export async function historyByTime(ctx: Context, { run, key, after, limit }: Page): Promise<MetricsTable[]> {
  let query = tables(ctx).selectFrom('metrics').selectAll().where('run', '=', run).where('key', '=', key)
  if (after) {
    query = query.where((eb) =>
      eb(eb.refTuple('at', 'step', 'value'), '>', eb.tuple(after.at, after.step, after.value)),
    )
  }
  return query.orderBy('at').orderBy('step').orderBy('value').limit(limit).execute()
}

/** The first point at or after a step: one index lookup, however long the history is. */
export async function pointFrom(
  ctx: Context,
  { run, key, step }: { run: number; key: string; step: number },
): Promise<MetricsTable | undefined> {
  return tables(ctx)
    .selectFrom('metrics')
    .selectAll()
    .where('run', '=', run)
    .where('key', '=', key)
    .where('step', '>=', step)
    .orderBy('step')
    .orderBy('at')
    .orderBy('value')
    .limit(1)
    .executeTakeFirst()
}

export async function lastPoint(
  ctx: Context,
  { run, key, step }: { run: number; key: string; step: number },
): Promise<MetricsTable | undefined> {
  return tables(ctx)
    .selectFrom('metrics')
    .selectAll()
    .where('run', '=', run)
    .where('key', '=', key)
    .where('step', '<=', step)
    .orderBy('step', 'desc')
    .orderBy('at', 'desc')
    .orderBy('value', 'desc')
    .limit(1)
    .executeTakeFirst()
}
