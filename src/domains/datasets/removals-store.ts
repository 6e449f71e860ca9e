import type { Context } from '../../core/context.ts'
import type { DatasetsTables, SourceRemovalsTable } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<DatasetsTables>()

export async function recordRemoval(ctx: Context, removal: SourceRemovalsTable): Promise<void> {
  await tables(ctx).insertInto('source_removals').values(removal).execute()
}

/** When rows up to a number were first taken out of a source, at or after a moment; undefined where none were. */
export async function removedSince(
  ctx: Context,
  { source, uptoSeq, since }: { source: string; uptoSeq: number; since: string },
): Promise<string | undefined> {
  const found = await tables(ctx)
    .selectFrom('source_removals')
    .select('at')
    .where('source', '=', source)
    .where('first_seq', '<=', uptoSeq)
    .where('at', '>=', since)
    .orderBy('at')
    .limit(1)
    .executeTakeFirst()
  return found?.at
}
