import type { Context } from '../../core/context.ts'
import type { ArtifactsTables, BlobTombstonesTable } from './schema.ts'
import { type ArtifactRecord, artifacts } from './store.ts'

const tables = (ctx: Context) => ctx.db.withTables<ArtifactsTables>()

export async function allArtifacts(ctx: Context): Promise<ArtifactRecord[]> {
  const rows = await tables(ctx).selectFrom('artifacts').selectAll().orderBy('position').execute()
  return rows.map(artifacts.read)
}

export async function removeArtifact(ctx: Context, digest: string): Promise<void> {
  await tables(ctx).deleteFrom('artifacts').where('digest', '=', digest).execute()
}

export async function tombstones(ctx: Context): Promise<BlobTombstonesTable[]> {
  return tables(ctx).selectFrom('blob_tombstones').selectAll().execute()
}

export async function bury(ctx: Context, row: BlobTombstonesTable): Promise<void> {
  await tables(ctx)
    .insertInto('blob_tombstones')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function unbury(ctx: Context, digest: string): Promise<void> {
  await tables(ctx).deleteFrom('blob_tombstones').where('digest', '=', digest).execute()
}
