import type { Context } from '../../core/context.ts'
import { json, type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import { Type } from '../../core/shapes/shapes.ts'
import type { ScanReport } from './scan-report.ts'
import type {
  AliasesTable,
  ModelsTable,
  ModelTagsTable,
  RegistryTables,
  SpecsTable,
  VersionsTable,
  VersionTagsTable,
} from './schema.ts'
import { MlflowModel } from './shapes.ts'
import { Signature } from './signature.ts'
import { type ModelSpec, withPresentNames } from './spec/spec.ts'

const tables = (ctx: Context) => ctx.db.withTables<RegistryTables>()

/** A spec of an older version is given its present names, which no schema does, and kinds of findings come and go. */
const specs = recordsOf<SpecsTable>()({ spec: trustedJson<ModelSpec>() })
export const versions = recordsOf<VersionsTable>()({
  signature: json(Signature),
  sources: json(Type.Array(Type.String())),
  scan: trustedJson<ScanReport>(),
  mlflow: json(MlflowModel),
})
export type SpecRecord = Read<typeof specs>
export type VersionRecord = Read<typeof versions>

export async function findModel(ctx: Context, name: string): Promise<ModelsTable | undefined> {
  return tables(ctx).selectFrom('models').selectAll().where('name', '=', name).executeTakeFirst()
}

/** Which version of its spec each of these models has. */
export async function specVersions(ctx: Context, names: string[]): Promise<Map<string, number>> {
  if (names.length === 0) return new Map()
  const rows = await tables(ctx)
    .selectFrom('models')
    .select(['name', 'spec_version'])
    .where('name', 'in', names)
    .execute()
  return new Map(rows.map(({ name, spec_version }) => [name, spec_version]))
}

export async function listModels(
  ctx: Context,
  kind: ModelsTable['kind'] | undefined,
  after: string,
  limit: number,
): Promise<ModelsTable[]> {
  const query = tables(ctx).selectFrom('models').selectAll().where('name', '>', after).orderBy('name').limit(limit)
  return (kind === undefined ? query : query.where('kind', '=', kind)).execute()
}

export async function insertModel(ctx: Context, row: ModelsTable): Promise<void> {
  await tables(ctx).insertInto('models').values(row).execute()
}

export async function updateModel(ctx: Context, name: string, values: Partial<ModelsTable>): Promise<void> {
  await tables(ctx).updateTable('models').set(values).where('name', '=', name).execute()
}

export async function renameModel(ctx: Context, from: string, to: string): Promise<void> {
  await updateModel(ctx, from, { name: to })
  for (const table of ['model_tags', 'specs', 'versions', 'aliases', 'version_tags'] as const) {
    await tables(ctx).updateTable(table).set({ model: to }).where('model', '=', from).execute()
  }
}

export async function deleteModel(ctx: Context, name: string): Promise<void> {
  for (const table of ['model_tags', 'specs', 'versions', 'aliases', 'version_tags'] as const) {
    await tables(ctx).deleteFrom(table).where('model', '=', name).execute()
  }
  await tables(ctx).deleteFrom('models').where('name', '=', name).execute()
}

export async function modelTags(ctx: Context, model: string): Promise<ModelTagsTable[]> {
  return tables(ctx).selectFrom('model_tags').selectAll().where('model', '=', model).orderBy('key').execute()
}

export async function saveModelTag(ctx: Context, row: ModelTagsTable): Promise<void> {
  await tables(ctx)
    .insertInto('model_tags')
    .values(row)
    .onConflict((conflict) => conflict.columns(['model', 'key']).doUpdateSet({ value: row.value }))
    .execute()
}

export async function removeModelTag(ctx: Context, model: string, key: string): Promise<void> {
  await tables(ctx).deleteFrom('model_tags').where('model', '=', model).where('key', '=', key).execute()
}

export async function insertSpec(ctx: Context, spec: SpecRecord): Promise<void> {
  await tables(ctx).insertInto('specs').values(specs.write(spec)).execute()
}

/** The newest spec of every model that has one. */
export async function currentSpecs(ctx: Context): Promise<ModelSpec[]> {
  const rows = await tables(ctx)
    .selectFrom('specs')
    .innerJoin('models', (join) =>
      join.onRef('models.name', '=', 'specs.model').onRef('models.spec_version', '=', 'specs.version'),
    )
    .selectAll('specs')
    .orderBy('specs.model')
    .execute()
  return rows.map((row) => withPresentNames(specs.read(row).spec))
}

export async function findSpec(ctx: Context, model: string, version: number): Promise<SpecRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('specs')
    .selectAll()
    .where('model', '=', model)
    .where('version', '=', version)
    .executeTakeFirst()
  if (!row) return undefined
  const found = specs.read(row)
  return { ...found, spec: withPresentNames(found.spec) }
}

export async function insertVersion(ctx: Context, version: VersionRecord): Promise<void> {
  await tables(ctx).insertInto('versions').values(versions.write(version)).execute()
}

export async function updateVersion(
  ctx: Context,
  model: string,
  version: number,
  values: Partial<Pick<VersionRecord, 'description' | 'stage' | 'training_set' | 'signature' | 'updated_at'>>,
): Promise<void> {
  await tables(ctx)
    .updateTable('versions')
    .set(versions.write(values))
    .where('model', '=', model)
    .where('version', '=', version)
    .execute()
}

type Archive = { model: string; stage: string; except: number; at: string }

export async function archiveStage(ctx: Context, { model, stage, except, at }: Archive): Promise<void> {
  await tables(ctx)
    .updateTable('versions')
    .set({ stage: 'Archived', updated_at: at })
    .where('model', '=', model)
    .where('stage', '=', stage)
    .where('version', '<>', except)
    .execute()
}

export async function deleteVersion(ctx: Context, model: string, version: number): Promise<void> {
  for (const table of ['versions', 'version_tags', 'aliases'] as const) {
    await tables(ctx).deleteFrom(table).where('model', '=', model).where('version', '=', version).execute()
  }
}

/** Models of which a version was made by one of these runs. */
export async function modelsOfRuns(ctx: Context, runs: readonly string[]): Promise<string[]> {
  if (runs.length === 0) return []
  const query = tables(ctx)
    .selectFrom('versions')
    .select('model')
    .distinct()
    .where('run_id', 'in', runs)
    .orderBy('model')
  return (await query.execute()).map(({ model }) => model)
}

export async function findVersion(ctx: Context, model: string, version: number): Promise<VersionRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .where('version', '=', version)
    .executeTakeFirst()
  return row && versions.read(row)
}

export async function listVersions(
  ctx: Context,
  model: string,
  before: number | undefined,
  limit: number,
): Promise<VersionRecord[]> {
  const query = tables(ctx)
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .orderBy('version', 'desc')
    .limit(limit)
  const rows = await (before === undefined ? query : query.where('version', '<', before)).execute()
  return rows.map(versions.read)
}

export async function listAliases(ctx: Context, model: string): Promise<AliasesTable[]> {
  return tables(ctx).selectFrom('aliases').selectAll().where('model', '=', model).orderBy('alias').execute()
}

export async function saveAlias(ctx: Context, row: AliasesTable): Promise<void> {
  await tables(ctx)
    .insertInto('aliases')
    .values(row)
    .onConflict((conflict) => conflict.columns(['model', 'alias']).doUpdateSet({ version: row.version }))
    .execute()
}

export async function removeAlias(ctx: Context, model: string, alias: string): Promise<void> {
  await tables(ctx).deleteFrom('aliases').where('model', '=', model).where('alias', '=', alias).execute()
}

export async function listTags(ctx: Context, model: string, version: number): Promise<VersionTagsTable[]> {
  return tables(ctx)
    .selectFrom('version_tags')
    .selectAll()
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('key')
    .execute()
}

export async function saveTag(ctx: Context, row: VersionTagsTable): Promise<void> {
  await tables(ctx)
    .insertInto('version_tags')
    .values(row)
    .onConflict((conflict) => conflict.columns(['model', 'version', 'key']).doUpdateSet({ value: row.value }))
    .execute()
}

export async function removeTag(ctx: Context, model: string, version: number, key: string): Promise<void> {
  await tables(ctx)
    .deleteFrom('version_tags')
    .where('model', '=', model)
    .where('version', '=', version)
    .where('key', '=', key)
    .execute()
}
