import type { Context } from '../../core/context.ts'
import type { DatasetsTables, SourcePushesTable } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<DatasetsTables>()

export function findPart(
  ctx: Context,
  { source, push, part }: Pick<SourcePushesTable, 'source' | 'push' | 'part'>,
): Promise<SourcePushesTable | undefined> {
  return tables(ctx)
    .selectFrom('source_pushes')
    .selectAll()
    .where('source', '=', source)
    .where('push', '=', push)
    .where('part', '=', part)
    .executeTakeFirst()
}

export async function insertPart(ctx: Context, part: SourcePushesTable): Promise<void> {
  await tables(ctx).insertInto('source_pushes').values(part).execute()
}

export function newestUnfinished(ctx: Context, source: string) {
  return tables(ctx)
    .selectFrom('source_pushes')
    .select(({ fn }) => [
      'parts',
      fn.count<number>('part').as('stored'),
      fn.sum<number>('rows').as('rows'),
      fn.max('at').as('at'),
    ])
    .where('source', '=', source)
    .groupBy(['push', 'parts'])
    .having((eb) => eb(eb.fn.count('part'), '<', eb.ref('parts')))
    .orderBy('at', 'desc')
    .executeTakeFirst()
}
