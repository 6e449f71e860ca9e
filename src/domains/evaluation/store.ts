import type { Insertable } from 'kysely'
import type { Static } from 'typebox'
import type { Context } from '../../core/context.ts'
import { json, type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import { Type } from '../../core/shapes/shapes.ts'
import type {
  EvaluationsTable,
  EvaluationTables,
  GatesTable,
  GoldenSetsTable,
  PriceTablesTable,
  TrafficSamplesTable,
} from './schema.ts'
import { type Evaluation, type Gate, GoldenFile, PriceTable } from './shapes.ts'

const tables = (ctx: Context) => ctx.db.withTables<EvaluationTables>()

const goldenSets = recordsOf<GoldenSetsTable>()({
  columns: json(Type.Array(Type.String())),
  definition: json(GoldenFile),
})
/** What older versions measured lacks what newer ones do: whoever shows it completes it. */
const evaluations = recordsOf<EvaluationsTable>()({ body: trustedJson<Static<typeof Evaluation>>() })
const gates = recordsOf<GatesTable>()({ body: trustedJson<Static<typeof Gate>>() })
const priceTables = recordsOf<PriceTablesTable>()({ prices: json(PriceTable.properties.prices) })

export type GoldenSetRecord = Read<typeof goldenSets>
export type EvaluationRecord = Read<typeof evaluations>
type GateRecord = Read<typeof gates>
export type PriceTableRecord = Omit<Read<typeof priceTables>, 'seq'>

export async function insertGolden(ctx: Context, set: GoldenSetRecord): Promise<void> {
  await tables(ctx).insertInto('golden_sets').values(goldenSets.write(set)).execute()
}

/** The given version, or the newest. */
export async function findGolden(
  ctx: Context,
  name: string,
  version: number | undefined,
): Promise<GoldenSetRecord | undefined> {
  const query = tables(ctx)
    .selectFrom('golden_sets')
    .selectAll()
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .limit(1)
  const row = await (version === undefined ? query : query.where('version', '=', version)).executeTakeFirst()
  return row && goldenSets.read(row)
}

export async function listNewestGolden(ctx: Context, after: string, limit: number): Promise<GoldenSetRecord[]> {
  const rows = await tables(ctx)
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
  return rows.map(goldenSets.read)
}

export async function countUse(ctx: Context, name: string, version: number): Promise<void> {
  await tables(ctx)
    .updateTable('golden_sets')
    .set((row) => ({ uses: row('uses', '+', 1) }))
    .where('name', '=', name)
    .where('version', '=', version)
    .execute()
}

export async function insertEvaluation(ctx: Context, evaluation: Omit<EvaluationRecord, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('evaluations')
    .values(evaluations.write(evaluation) as Insertable<EvaluationsTable>)
    .execute()
}

export async function findEvaluation(ctx: Context, id: string): Promise<EvaluationRecord | undefined> {
  const row = await tables(ctx).selectFrom('evaluations').selectAll().where('id', '=', id).executeTakeFirst()
  return row && evaluations.read(row)
}

type Page = { model: string | undefined; before: number | undefined; limit: number }

export async function listEvaluations(ctx: Context, { model, before, limit }: Page): Promise<EvaluationRecord[]> {
  let query = tables(ctx).selectFrom('evaluations').selectAll().orderBy('seq', 'desc').limit(limit)
  if (model !== undefined) query = query.where('model', '=', model)
  if (before !== undefined) query = query.where('seq', '<', before)
  return (await query.execute()).map(evaluations.read)
}

/** The newest evaluation that knows how much paired differences of this metric scatter. */
export async function latestSpread(
  ctx: Context,
  { model, golden, metric }: { model: string; golden: string; metric: string },
): Promise<EvaluationRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('evaluations')
    .selectAll()
    .where('model', '=', model)
    .where('golden', '=', golden)
    .where('metric', '=', metric)
    .where('standard_error', 'is not', null)
    .orderBy('seq', 'desc')
    .executeTakeFirst()
  return row && evaluations.read(row)
}

export async function insertGate(ctx: Context, gate: Omit<GateRecord, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('gates')
    .values(gates.write(gate) as Insertable<GatesTable>)
    .execute()
}

export async function findGate(ctx: Context, id: string): Promise<GateRecord | undefined> {
  const row = await tables(ctx).selectFrom('gates').selectAll().where('id', '=', id).executeTakeFirst()
  return row && gates.read(row)
}

export async function listGates(
  ctx: Context,
  { model, version, before, limit }: Page & { version: number | undefined },
): Promise<GateRecord[]> {
  let query = tables(ctx).selectFrom('gates').selectAll().orderBy('seq', 'desc').limit(limit)
  if (model !== undefined) query = query.where('model', '=', model)
  if (version !== undefined) query = query.where('version', '=', version)
  if (before !== undefined) query = query.where('seq', '<', before)
  return (await query.execute()).map(gates.read)
}

export async function insertPrices(ctx: Context, table: PriceTableRecord): Promise<void> {
  await tables(ctx)
    .insertInto('price_tables')
    .values(priceTables.write(table) as Insertable<PriceTablesTable>)
    .execute()
}

/** The newest table, or the newest of a digest. */
export async function findPrices(ctx: Context, digest: string | undefined): Promise<PriceTableRecord | undefined> {
  const query = tables(ctx).selectFrom('price_tables').selectAll().orderBy('seq', 'desc').limit(1)
  const row = await (digest === undefined ? query : query.where('digest', '=', digest)).executeTakeFirst()
  return row && priceTables.read(row)
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
