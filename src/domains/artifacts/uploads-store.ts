import type { Context } from '../../core/context.ts'
import type { ArtifactsTables, UploadsTable } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<ArtifactsTables>()

export async function insertUpload(ctx: Context, row: UploadsTable): Promise<void> {
  await tables(ctx).insertInto('uploads').values(row).execute()
}

export async function findUpload(ctx: Context, id: string): Promise<UploadsTable | undefined> {
  return tables(ctx).selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function finishUpload(ctx: Context, id: string, values: { digest: string; size: number }): Promise<void> {
  await tables(ctx).updateTable('uploads').set(values).where('id', '=', id).execute()
}

export async function removeUpload(ctx: Context, id: string): Promise<void> {
  await tables(ctx).deleteFrom('uploads').where('id', '=', id).execute()
}

export async function uploadsBefore(ctx: Context, time: string): Promise<UploadsTable[]> {
  return tables(ctx).selectFrom('uploads').selectAll().where('created_at', '<', time).execute()
}
