import type { Insertable } from 'kysely'
import type { Context } from '../../core/context.ts'
import type {
  EvaluationsTable,
  EvaluationTables,
  GatesTable,
  GoldenSetsTable,
  PriceTablesTable,
  TrafficSamplesTable,
} from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<EvaluationTables>()

export async function insertGolden(ctx: Context, row: GoldenSetsTable): Promise<void> {
  await tables(ctx).insertInto('golden_sets').values(row).execute()
}

/** The given version, or the newest. */
export async function findGolden(
  ctx: Context,
  name: string,
  version: number | undefined,
): Promise<GoldenSetsTable | undefined> {
  const query = tables(ctx)
    .selectFrom('golden_sets')
    .selectAll()
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .limit(1)
  return (version === undefined ? query : query.where('version', '=', version)).executeTakeFirst()
}

export async function listNewestGolden(ctx: Context, after: string, limit: number): Promise<GoldenSetsTable[]> {
  return tables(ctx)
    .selectFrom('golden_sets as g')
    .selectAll('g')
    .where('g.name', '>', after)
    .where('g.version', '=', (inner) =>
      inner
        .selectFrom('golden_sets as other')
        .select(({ fn }) => fn.max('other.version').as('newest'))
        .whereRef('other.name', '=', 'g.name'),
    )
    .orderBy('g.name')
    .limit(limit)
    .execute()
}

export async function countUse(ctx: Context, name: string, version: number): Promise<void> {
  await tables(ctx)
    .updateTable('golden_sets')
    .set((row) => ({ uses: row('uses', '+', 1) }))
    .where('name', '=', name)
    .where('version', '=', version)
    .execute()
}

export async function insertEvaluation(ctx: Context, row: Omit<EvaluationsTable, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('evaluations')
    .values(row as Insertable<EvaluationsTable>)
    .execute()
}

export async function findEvaluation(ctx: Context, id: string): Promise<EvaluationsTable | undefined> {
  return tables(ctx).selectFrom('evaluations').selectAll().where('id', '=', id).executeTakeFirst()
}

type Page = { model: string | undefined; before: number | undefined; limit: number }

export async function listEvaluations(ctx: Context, { model, before, limit }: Page): Promise<EvaluationsTable[]> {
  let query = tables(ctx).selectFrom('evaluations').selectAll().orderBy('seq', 'desc').limit(limit)
  if (model !== undefined) query = query.where('model', '=', model)
  if (before !== undefined) query = query.where('seq', '<', before)
  return query.execute()
}

/** The newest evaluation that knows how much paired differences of this metric scatter. */
export async function latestSpread(
  ctx: Context,
  { model, golden, metric }: { model: string; golden: string; metric: string },
): Promise<EvaluationsTable | undefined> {
  return tables(ctx)
    .selectFrom('evaluations')
    .selectAll()
    .where('model', '=', model)
    .where('golden', '=', golden)
    .where('metric', '=', metric)
    .where('standard_error', 'is not', null)
    .orderBy('seq', 'desc')
    .executeTakeFirst()
}

export async function insertGate(ctx: Context, row: Omit<GatesTable, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('gates')
    .values(row as Insertable<GatesTable>)
    .execute()
}

export async function findGate(ctx: Context, id: string): Promise<GatesTable | undefined> {
  return tables(ctx).selectFrom('gates').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function listGates(
  ctx: Context,
  { model, version, before, limit }: Page & { version: number | undefined },
): Promise<GatesTable[]> {
  let query = tables(ctx).selectFrom('gates').selectAll().orderBy('seq', 'desc').limit(limit)
  if (model !== undefined) query = query.where('model', '=', model)
  if (version !== undefined) query = query.where('version', '=', version)
  if (before !== undefined) query = query.where('seq', '<', before)
  return query.execute()
}

export async function insertPrices(ctx: Context, row: Omit<PriceTablesTable, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('price_tables')
    .values(row as Insertable<PriceTablesTable>)
    .execute()
}

/** The newest table, or the newest of a digest. */
export async function findPrices(ctx: Context, digest: string | undefined): Promise<PriceTablesTable | undefined> {
  const query = tables(ctx).selectFrom('price_tables').selectAll().orderBy('seq', 'desc').limit(1)
  return (digest === undefined ? query : query.where('digest', '=', digest)).executeTakeFirst()
}

export async function insertTraffic(ctx: Context, row: Omit<TrafficSamplesTable, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('traffic_samples')
    .values(row as Insertable<TrafficSamplesTable>)
    .execute()
}

/** The newest sample of a model, or the one with this blob. */
export async function findTraffic(
  ctx: Context,
  { model, blob }: { model: string; blob?: string | undefined },
): Promise<TrafficSamplesTable | undefined> {
  const query = tables(ctx)
    .selectFrom('traffic_samples')
    .selectAll()
    .where('model', '=', model)
    .orderBy('seq', 'desc')
    .limit(1)
  return (blob === undefined ? query : query.where('blob', '=', blob)).executeTakeFirst()
}
