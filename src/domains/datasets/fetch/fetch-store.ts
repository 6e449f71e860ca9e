import type { Context } from '../../../core/context.ts'
import { type Read, recordsOf, trustedJson } from '../../../core/database/database.ts'
import type { DatasetsTables, SourceBadRowsTable, SourceFetchesTable, SourceFilesTable } from '../schema.ts'

/** Where a query goes on: the greatest value so far, and which rows with it were taken. */
export type Cursor = { value: string; seen: string[] }

const fetches = recordsOf<SourceFetchesTable>()({ cursor: trustedJson<Cursor>() })
export type FetchRecord = Read<typeof fetches>

const tables = (ctx: Context) => ctx.db.withTables<DatasetsTables>()

export async function findFetch(ctx: Context, source: string): Promise<FetchRecord | undefined> {
  const row = await tables(ctx).selectFrom('source_fetches').selectAll().where('source', '=', source).executeTakeFirst()
  return row && fetches.read(row)
}

export async function saveFetch(ctx: Context, given: FetchRecord): Promise<void> {
  const row = fetches.write(given)
  const { source: _, ...values } = row
  await tables(ctx)
    .insertInto('source_fetches')
    .values(row)
    .onConflict((conflict) => conflict.column('source').doUpdateSet(values))
    .execute()
}

export async function listProblems(ctx: Context): Promise<FetchRecord[]> {
  const rows = await tables(ctx)
    .selectFrom('source_fetches')
    .selectAll()
    .where('problem', 'is not', null)
    .orderBy('source')
    .execute()
  return rows.map(fetches.read)
}

export async function listFiles(ctx: Context, source: string): Promise<SourceFilesTable[]> {
  return tables(ctx).selectFrom('source_files').selectAll().where('source', '=', source).execute()
}

export async function saveFile(ctx: Context, row: SourceFilesTable): Promise<void> {
  const { source: _, file: __, ...values } = row
  await tables(ctx)
    .insertInto('source_files')
    .values(row)
    .onConflict((conflict) => conflict.columns(['source', 'file']).doUpdateSet(values))
    .execute()
}

export async function countBadRows(ctx: Context, source: string): Promise<number> {
  const { n } = await tables(ctx)
    .selectFrom('source_bad_rows')
    .select((eb) => eb.fn.countAll().as('n'))
    .where('source', '=', source)
    .executeTakeFirstOrThrow()
  return Number(n)
}

export async function saveBadRows(ctx: Context, rows: SourceBadRowsTable[]): Promise<void> {
  for (const row of rows) {
    const { what, at } = row
    await tables(ctx)
      .insertInto('source_bad_rows')
      .values(row)
      .onConflict((conflict) => conflict.columns(['source', 'file', 'row']).doUpdateSet({ what, at }))
      .execute()
  }
}

/** A file that is read anew has other rows. */
export async function forgetBadRows(ctx: Context, source: string, file: string): Promise<number> {
  const { numDeletedRows } = await tables(ctx)
    .deleteFrom('source_bad_rows')
    .where('source', '=', source)
    .where('file', '=', file)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

export async function listBadRows(ctx: Context, source: string, limit: number): Promise<SourceBadRowsTable[]> {
  return tables(ctx)
    .selectFrom('source_bad_rows')
    .selectAll()
    .where('source', '=', source)
    .orderBy('at', 'desc')
    .orderBy('file')
    .orderBy('row')
    .limit(limit)
    .execute()
}
