import type { Context } from '../../core/context.ts'
import type { FeaturesTables, TrainingSetsTable } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<FeaturesTables>()

export type Kind = 'entity' | 'view' | 'service'

export async function listDefinitions(ctx: Context): Promise<{ kind: string; definition: string }[]> {
  return tables(ctx)
    .selectFrom('feature_definitions')
    .select(['kind', 'definition'])
    .orderBy('kind')
    .orderBy('position')
    .execute()
}

export async function replaceDefinitions(
  ctx: Context,
  rows: { kind: Kind; name: string; definition: string }[],
): Promise<void> {
  await tables(ctx).deleteFrom('feature_definitions').execute()
  for (const [position, row] of rows.entries()) {
    await tables(ctx)
      .insertInto('feature_definitions')
      .values({ ...row, position })
      .execute()
  }
}

export async function insertTrainingSet(ctx: Context, row: TrainingSetsTable): Promise<void> {
  await tables(ctx).insertInto('training_sets').values(row).execute()
}

export async function findTrainingSet(ctx: Context, id: string): Promise<TrainingSetsTable | undefined> {
  return tables(ctx).selectFrom('training_sets').selectAll().where('id', '=', id).executeTakeFirst()
}

export type TrainingSetKey = Pick<
  TrainingSetsTable,
  'service' | 'source' | 'from_time' | 'to_time' | 'label' | 'as_of' | 'upto_seq'
>

/** The first set of a request whose examples were read up to a sequence number, and that says what else was read. */
export async function firstPinned(ctx: Context, key: TrainingSetKey): Promise<TrainingSetsTable | undefined> {
  const { label, ...others } = key
  const query = tables(ctx)
    .selectFrom('training_sets')
    .selectAll()
    .where((where) => where.and(others))
    .where('label', label === null ? 'is' : '=', label)
    .where('sources', 'is not', null)
  return query.orderBy('created_at').orderBy('id').executeTakeFirst()
}

export async function listTrainingSets(
  ctx: Context,
  before: string | undefined,
  limit: number,
): Promise<TrainingSetsTable[]> {
  const query = tables(ctx).selectFrom('training_sets').selectAll().orderBy('id', 'desc').limit(limit)
  return (before === undefined ? query : query.where('id', '<', before)).execute()
}
