import type { Context } from '../../core/context.ts'
import { json, type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import { TrainingSet } from './contract.ts'
import type { Definitions } from './rules.ts'
import type { DefinitionsTable, FeaturesTables, TrainingSetsTable } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<FeaturesTables>()

const trainingSets = recordsOf<TrainingSetsTable>()({
  columns: json(TrainingSet.properties.columns),
  sources: json(TrainingSet.properties.sources),
})
/** Checked as a whole when they were applied; every look at a feature begins here. */
const definitions = recordsOf<DefinitionsTable>()({ definition: trustedJson<object>() })
export type TrainingSetRecord = Read<typeof trainingSets>

export type Kind = 'entity' | 'view' | 'service'

export async function listDefinitions(ctx: Context): Promise<Definitions> {
  const rows = await tables(ctx)
    .selectFrom('feature_definitions')
    .selectAll()
    .orderBy('kind')
    .orderBy('position')
    .execute()
  const of = <T>(kind: Kind) =>
    rows.filter((row) => row.kind === kind).map((row) => definitions.read(row).definition as T)
  return { entities: of('entity'), views: of('view'), services: of('service') }
}

export async function replaceDefinitions(
  ctx: Context,
  items: { kind: Kind; name: string; definition: object }[],
): Promise<void> {
  await tables(ctx).deleteFrom('feature_definitions').execute()
  for (const [position, item] of items.entries()) {
    await tables(ctx)
      .insertInto('feature_definitions')
      .values(definitions.write({ ...item, position }))
      .execute()
  }
}

export async function insertTrainingSet(ctx: Context, set: TrainingSetRecord): Promise<void> {
  await tables(ctx).insertInto('training_sets').values(trainingSets.write(set)).execute()
}

export async function findTrainingSet(ctx: Context, id: string): Promise<TrainingSetRecord | undefined> {
  const row = await tables(ctx).selectFrom('training_sets').selectAll().where('id', '=', id).executeTakeFirst()
  return row && trainingSets.read(row)
}

export type TrainingSetKey = Pick<
  TrainingSetsTable,
  'service' | 'source' | 'from_time' | 'to_time' | 'label' | 'as_of' | 'upto_seq'
>

/** The first set of a request whose examples were read up to a sequence number, and that says what else was read. */
export async function firstPinned(ctx: Context, key: TrainingSetKey): Promise<TrainingSetRecord | undefined> {
  const { label, ...others } = key
  const query = tables(ctx)
    .selectFrom('training_sets')
    .selectAll()
    .where((where) => where.and(others))
    .where('label', label === null ? 'is' : '=', label)
    .where('sources', 'is not', null)
  const row = await query.orderBy('created_at').orderBy('id').executeTakeFirst()
  return row && trainingSets.read(row)
}

export async function listTrainingSets(
  ctx: Context,
  before: string | undefined,
  limit: number,
): Promise<TrainingSetRecord[]> {
  const query = tables(ctx).selectFrom('training_sets').selectAll().orderBy('id', 'desc').limit(limit)
  const rows = await (before === undefined ? query : query.where('id', '<', before)).execute()
  return rows.map(trainingSets.read)
}
