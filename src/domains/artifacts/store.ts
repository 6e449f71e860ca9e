import type { Context } from '../../core/context.ts'
import type { ArtifactsTable, ArtifactsTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<ArtifactsTables>()

export async function find(ctx: Context, digest: string): Promise<ArtifactsTable | undefined> {
  return tables(ctx).selectFrom('artifacts').selectAll().where('digest', '=', digest).executeTakeFirst()
}

export async function list(ctx: Context, before: string | undefined, limit: number): Promise<ArtifactsTable[]> {
  const query = tables(ctx).selectFrom('artifacts').selectAll().orderBy('position', 'desc').limit(limit)
  return (before === undefined ? query : query.where('position', '<', before)).execute()
}

export async function insert(ctx: Context, row: ArtifactsTable): Promise<void> {
  await tables(ctx).insertInto('artifacts').values(row).execute()
}
