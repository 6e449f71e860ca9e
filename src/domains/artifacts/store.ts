import type { Context } from '../../core/context.ts'
import { type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import type { ArtifactsTable, ArtifactsTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<ArtifactsTables>()

type File = { path: string; digest: string; size: number }

/** An artifact may have a hundred thousand files, and its digest is of them: they are not checked again at each look. */
export const artifacts = recordsOf<ArtifactsTable>()({ files: trustedJson<File[]>() })

export type ArtifactRecord = Read<typeof artifacts>

export async function find(ctx: Context, digest: string): Promise<ArtifactRecord | undefined> {
  const row = await tables(ctx).selectFrom('artifacts').selectAll().where('digest', '=', digest).executeTakeFirst()
  return row && artifacts.read(row)
}

export async function list(ctx: Context, before: string | undefined, limit: number): Promise<ArtifactRecord[]> {
  const query = tables(ctx).selectFrom('artifacts').selectAll().orderBy('position', 'desc').limit(limit)
  const rows = await (before === undefined ? query : query.where('position', '<', before)).execute()
  return rows.map(artifacts.read)
}

export async function insert(ctx: Context, row: ArtifactRecord): Promise<void> {
  await tables(ctx).insertInto('artifacts').values(artifacts.write(row)).execute()
}
