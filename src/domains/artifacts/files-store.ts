import type { Context } from '../../core/context.ts'
import type { ArtifactFilesTable, ArtifactFoldersTable, ArtifactsTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<ArtifactsTables>()

export async function saveFile(ctx: Context, row: ArtifactFilesTable): Promise<void> {
  const { digest, size, updated_at } = row
  await tables(ctx)
    .insertInto('artifact_files')
    .values(row)
    .onConflict((conflict) => conflict.column('path').doUpdateSet({ digest, size, updated_at }))
    .execute()
}

export async function saveFolder(ctx: Context, path: string, parent: string): Promise<void> {
  await tables(ctx)
    .insertInto('artifact_folders')
    .values({ path, parent })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function findFiles(ctx: Context, paths: string[]): Promise<ArtifactFilesTable[]> {
  if (paths.length === 0) return []
  return tables(ctx).selectFrom('artifact_files').selectAll().where('path', 'in', paths).execute()
}

export async function allFiles(ctx: Context): Promise<Pick<ArtifactFilesTable, 'path' | 'digest'>[]> {
  return tables(ctx).selectFrom('artifact_files').select(['path', 'digest']).execute()
}

export async function findFolder(ctx: Context, path: string): Promise<ArtifactFoldersTable | undefined> {
  return tables(ctx).selectFrom('artifact_folders').selectAll().where('path', '=', path).executeTakeFirst()
}

export async function filesIn(ctx: Context, parent: string): Promise<ArtifactFilesTable[]> {
  return tables(ctx).selectFrom('artifact_files').selectAll().where('parent', '=', parent).execute()
}

export async function foldersIn(ctx: Context, parent: string): Promise<ArtifactFoldersTable[]> {
  return tables(ctx).selectFrom('artifact_folders').selectAll().where('parent', '=', parent).execute()
}

export async function removeFile(ctx: Context, path: string): Promise<void> {
  await tables(ctx).deleteFrom('artifact_files').where('path', '=', path).execute()
}

export async function removeFolder(ctx: Context, path: string): Promise<void> {
  await tables(ctx).deleteFrom('artifact_folders').where('path', '=', path).execute()
}
