import type { Context } from '../../core/context.ts'
import { flag, json, type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import { Dataset } from './contract.ts'
import type { Columns, ColumnType, Definition, KeyTypes } from './rules.ts'
import type {
  DatasetsTable,
  DatasetsTables,
  SourceColumnsTable,
  SourceRowsTable,
  SourceSegmentsTable,
  SourcesTable,
} from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<DatasetsTables>()

/** A definition is read with every rows that come in, so it is not checked again. */
const sources = recordsOf<SourcesTable>()({
  definition: trustedJson<Definition>(),
  keys: trustedJson<KeyTypes>(),
  vetted: flag,
})
const datasets = recordsOf<DatasetsTable>()({ profile: json(Dataset.properties.profile), vetted: flag })
export type SourceRecord = Read<typeof sources>
export type DatasetRecord = Read<typeof datasets>

/** Rows per statement: both databases limit the number of bound values. */
const chunk = 2_000

export async function findSource(ctx: Context, name: string): Promise<SourceRecord | undefined> {
  const row = await tables(ctx).selectFrom('sources').selectAll().where('name', '=', name).executeTakeFirst()
  return row && sources.read(row)
}

export async function listSources(ctx: Context): Promise<SourceRecord[]> {
  const rows = await tables(ctx).selectFrom('sources').selectAll().orderBy('name').execute()
  return rows.map(sources.read)
}

export async function saveSource(ctx: Context, source: SourceRecord): Promise<void> {
  const row = sources.write(source)
  const { name: _, ...values } = row
  await tables(ctx)
    .insertInto('sources')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute()
}

/** The columns with their types as they were when the source had rows up to `upto`. */
export async function findColumns(ctx: Context, source: string, upto = Number.MAX_SAFE_INTEGER): Promise<Columns> {
  const rows = await tables(ctx)
    .selectFrom('source_columns')
    .selectAll()
    .where('source', '=', source)
    .orderBy('name')
    .execute()
  const typeOf = ({ type, integer_upto }: SourceColumnsTable) =>
    integer_upto !== null && upto <= integer_upto ? 'integer' : (type as ColumnType)
  return Object.fromEntries(rows.map((row) => [row.name, typeOf(row)]))
}

/** New columns, and those whose integers became numbers after the row `upto`. */
export async function saveColumns(
  ctx: Context,
  source: string,
  columns: Columns,
  upto: number | null = null,
): Promise<void> {
  for (const [name, type] of Object.entries(columns)) {
    await tables(ctx)
      .insertInto('source_columns')
      .values({ source, name, type })
      .onConflict((conflict) => conflict.columns(['source', 'name']).doUpdateSet({ type, integer_upto: upto }))
      .execute()
  }
}

export async function insertRows(ctx: Context, rows: SourceRowsTable[]): Promise<void> {
  for (let at = 0; at < rows.length; at += chunk) {
    await tables(ctx)
      .insertInto('source_rows')
      .values(rows.slice(at, at + chunk))
      .execute()
  }
}

export async function tailRows(ctx: Context, source: string, after: number, upto: number): Promise<SourceRowsTable[]> {
  return tables(ctx)
    .selectFrom('source_rows')
    .selectAll()
    .where('source', '=', source)
    .where('seq', '>', after)
    .where('seq', '<=', upto)
    .orderBy('seq')
    .execute()
}

/** The oldest row that is not in a segment; counting all of them would take longer with each. */
export async function tailStart(ctx: Context, source: string): Promise<number | undefined> {
  const row = await tables(ctx)
    .selectFrom('source_rows')
    .select('seq')
    .where('source', '=', source)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst()
  return row?.seq
}

export async function listSegments(ctx: Context, source: string, upto: number): Promise<SourceSegmentsTable[]> {
  return tables(ctx)
    .selectFrom('source_segments')
    .selectAll()
    .where('source', '=', source)
    .where('from_seq', '<=', upto)
    .orderBy('from_seq')
    .orderBy('to_seq')
    .execute()
}

export async function replaceTail(ctx: Context, segment: SourceSegmentsTable): Promise<void> {
  await tables(ctx).insertInto('source_segments').values(segment).execute()
  await tables(ctx)
    .deleteFrom('source_rows')
    .where('source', '=', segment.source)
    .where('seq', '>=', segment.from_seq)
    .where('seq', '<=', segment.to_seq)
    .execute()
}

export async function insertDataset(ctx: Context, dataset: DatasetRecord): Promise<void> {
  await tables(ctx).insertInto('datasets').values(datasets.write(dataset)).execute()
}

export async function findDataset(ctx: Context, id: string): Promise<DatasetRecord | undefined> {
  const row = await tables(ctx).selectFrom('datasets').selectAll().where('id', '=', id).executeTakeFirst()
  return row && datasets.read(row)
}

export async function listDatasets(
  ctx: Context,
  source: string | undefined,
  before: string | undefined,
  limit: number,
): Promise<DatasetRecord[]> {
  let query = tables(ctx).selectFrom('datasets').selectAll().orderBy('id', 'desc').limit(limit)
  if (source !== undefined) query = query.where('source', '=', source)
  if (before !== undefined) query = query.where('id', '<', before)
  return (await query.execute()).map(datasets.read)
}

export async function deleteRows(ctx: Context, source: string, numbers: number[]): Promise<number> {
  let deleted = 0
  for (let at = 0; at < numbers.length; at += chunk) {
    const { numDeletedRows } = await tables(ctx)
      .deleteFrom('source_rows')
      .where('source', '=', source)
      .where('seq', 'in', numbers.slice(at, at + chunk))
      .executeTakeFirstOrThrow()
    deleted += Number(numDeletedRows)
  }
  return deleted
}

/** Names another file for a segment, unless somebody did in between. */
export async function replaceSegment(
  ctx: Context,
  { id, digest }: SourceSegmentsTable,
  next: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tables(ctx)
    .updateTable('source_segments')
    .set({ digest: next })
    .where('id', '=', id)
    .where('digest', '=', digest)
    .executeTakeFirstOrThrow()
  return Number(numUpdatedRows) === 1
}

export async function deleteColumns(ctx: Context, source: string, names: string[]): Promise<void> {
  if (names.length === 0) return
  await tables(ctx).deleteFrom('source_columns').where('source', '=', source).where('name', 'in', names).execute()
}
