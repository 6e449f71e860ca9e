import type { Context } from '../../../core/context.ts'
import { type Read, recordsOf, trustedJson } from '../../../core/database/database.ts'
import type { BadRow, ImportCounts } from '../import-shapes.ts'
import type { ImportsTable, SegmentsTable, ServingTables } from '../schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<ServingTables>()

/** What is known of an import, besides how far it got. */
export type ImportContent = {
  last: ImportCounts
  all: ImportCounts
  waiting: number
  nextAt: string | null
  badRows: BadRow[]
  /** When rows could be read last. */
  lookedAt: string | null
  /** Parts of the prediction log that labels were looked for in. */
  segments: string[]
}

const imports = recordsOf<ImportsTable>()({ content: trustedJson<ImportContent>() })
export type ImportRecord = Read<typeof imports>

export async function findImport(
  ctx: Context,
  model: string,
  what: ImportsTable['what'],
): Promise<ImportRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('serving_imports')
    .selectAll()
    .where('model', '=', model)
    .where('what', '=', what)
    .executeTakeFirst()
  return row && imports.read(row)
}

export async function saveImport(ctx: Context, given: ImportRecord): Promise<void> {
  const row = imports.write(given)
  const { model: _, what: __, ...values } = row
  await tables(ctx)
    .insertInto('serving_imports')
    .values(row)
    .onConflict((conflict) => conflict.columns(['model', 'what']).doUpdateSet(values))
    .execute()
}

export async function listProblems(ctx: Context): Promise<ImportRecord[]> {
  const rows = await tables(ctx).selectFrom('serving_imports').selectAll().where('problem', 'is not', null).execute()
  return rows.map(imports.read)
}

/** Segments of a model that hold something at or after a moment. */
export async function segmentsSince(ctx: Context, endpoint: string, from: string): Promise<SegmentsTable[]> {
  return tables(ctx)
    .selectFrom('prediction_segments')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('to_at', '>=', from)
    .orderBy('from_at')
    .execute()
}
