import type { Context } from '../../core/context.ts'
import type { BytesReply, Input, Output } from '../../core/contract.ts'
import { AppError, conflict, invalidInput, notFound } from '../../core/errors.ts'
import { cursorNumber, nextOf } from '../../core/paging.ts'
import { transaction } from '../../core/transaction.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as features from '../features/features.ts'
import * as runs from '../runs/runs.ts'
import type { registry } from './contract.ts'
import { append } from './events.ts'
import { inferFromTraining, inferredWords, tellInferred } from './inferred-signature.ts'
import { lineageOf, wholeLineageOf } from './lineage.ts'
import { readMlflowModel } from './mlflow-model.ts'
import { checkModelFile } from './model-file.ts'
import { requireModel } from './models.ts'
import { checkFlavor, liveAlias } from './rules.ts'
import { refuseByPolicy, scanArtifact } from './scan/scan.ts'
import { searchVersions as findVersions, type VersionQuery } from './search-store.ts'
import type { MlflowModel } from './shapes.ts'
import * as store from './store.ts'

type Operations = typeof registry
type Version = Output<Operations['getVersion']>

/** Versions are dense, 1, 2, 3 …, and a number is never given twice. */
export async function registerVersion(ctx: Context, input: Input<Operations['registerVersion']>): Promise<Version> {
  const scan = input.artifact === undefined ? undefined : await scanArtifact(ctx, input.artifact)
  if (scan) refuseByPolicy(ctx, input.model, scan)
  checkFlavor(await requireModel(ctx, input.model), input)
  await checkOrigin(ctx, input)
  const { signature: said, warnings: told, mlflow, run } = await described(ctx, input)
  const signature = said ?? (await inferFromTraining(ctx, input))
  if (input.flavor === 'remote' && signature === undefined)
    throw invalidInput(
      'Its training rows do not say which of their columns is the label, so that its inputs are not known.',
      {
        name: 'trainingSet',
        hint: 'Name the label of the training set, or give a "signature".',
      },
    )
  const warnings = [...told, ...((signature && inferredWords(signature)) ?? [])].flat()
  return transaction(ctx, async (ctx) => {
    const model = await requireModel(ctx, input.model)
    checkFlavor(model, input)
    await checkOrigin(ctx, input)
    const version = model.latest_version + 1
    const now = ctx.now().toISOString()
    const row: store.VersionRecord = {
      model: input.model,
      version,
      flavor: input.flavor,
      artifact: input.artifact ?? null,
      constant: input.constant ?? null,
      prompt: input.prompt ?? null,
      signature: signature ?? null,
      service: input.service ?? null,
      training_set: input.trainingSet ?? null,
      run_id: run ?? null,
      code: input.code ?? null,
      sources: input.sources ?? [],
      description: input.description ?? '',
      uri: input.uri ?? null,
      logged_model: input.loggedModel ?? null,
      stage: 'None',
      scan: scan ?? null,
      mlflow: mlflow ?? null,
      created_at: now,
      updated_at: now,
      created_by: ctx.actor.name,
    }
    await store.insertVersion(ctx, row)
    await store.updateModel(ctx, input.model, { latest_version: version, updated_at: now })
    for (const [key, value] of Object.entries(input.tags ?? {}))
      await store.saveTag(ctx, { model: input.model, version, key, value })
    await append(ctx, 'registry.version_registered', `model/${input.model}`, {
      kind: model.kind,
      version,
      artifact: row.artifact,
      run: row.run_id,
      uri: row.uri,
      description: row.description,
      tags: input.tags ?? {},
      ...(scan ? { scan: scan.state } : {}),
      ...(row.prompt === null ? {} : { prompt: row.prompt }),
    })
    return { ...(await toVersion(ctx, row)), ...(warnings.length === 0 ? {} : { warnings }) }
  })
}

type Described = Awaited<ReturnType<typeof checkModelFile>> & { mlflow?: MlflowModel; run?: string | undefined }

/** What the version's own files say of it, checked against what was said; files of MLflow also name inputs and the run. */
async function described(ctx: Context, input: Input<Operations['registerVersion']>): Promise<Described> {
  const { artifact, run } = input
  const found = artifact === undefined ? undefined : await readMlflowModel(ctx, artifact)
  if (!found) return { ...(await checkModelFile(ctx, input)), run }
  const signature = input.signature ?? found.signature
  const checked = await checkModelFile(ctx, { ...input, ...(signature === undefined ? {} : { signature }) })
  return {
    signature: checked.signature,
    warnings: [...(input.signature ? [] : found.warnings), ...checked.warnings],
    mlflow: found.facts,
    run: run ?? (await knownRun(ctx, found.run)),
  }
}

/** The run that a file names, where it is one of this server. */
async function knownRun(ctx: Context, run: string | undefined): Promise<string | undefined> {
  if (run === undefined) return undefined
  try {
    return (await runs.get(ctx, { run })).id
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined
    throw error
  }
}

/** Refuses a version whose lineage names something that does not exist. */
async function checkOrigin(ctx: Context, input: Input<Operations['registerVersion']>): Promise<void> {
  if (input.artifact !== undefined) await artifacts.get(ctx, { digest: input.artifact })
  if (input.run !== undefined) await runs.get(ctx, { run: input.run })
  if (input.trainingSet !== undefined) await features.getTrainingSet(ctx, { trainingSet: input.trainingSet })
  if (input.service !== undefined) await features.sourcesOf(ctx, input.service)
}

/** Models of which a version was made by one of these runs. */
export function modelsOfRuns(ctx: Context, runs: readonly string[]): Promise<string[]> {
  return store.modelsOfRuns(ctx, runs)
}

export async function listVersions(
  ctx: Context,
  { model, limit = 100, cursor }: Input<Operations['listVersions']>,
): Promise<Output<Operations['listVersions']>> {
  await requireModel(ctx, model)
  const rows = await store.listVersions(ctx, model, cursorNumber(cursor), limit)
  const items: Version[] = []
  for (const row of rows) items.push(await toVersion(ctx, row))
  return { items, ...nextOf(rows, limit, ({ version }) => version) }
}

/** Searches versions of all models; all terms must hold. */
export async function searchVersions(
  ctx: Context,
  query: VersionQuery,
): Promise<{ versions: Version[]; more: boolean }> {
  const rows = await findVersions(ctx, { ...query, limit: query.limit + 1 })
  const versions: Version[] = []
  for (const row of rows.slice(0, query.limit)) versions.push(await toVersion(ctx, row))
  return { versions, more: rows.length > query.limit }
}

export async function getVersion(ctx: Context, { model, version }: Input<Operations['getVersion']>): Promise<Version> {
  return toVersion(ctx, await requireVersion(ctx, model, version))
}

/** Changes a version's description and similar notes; its content never changes. */
export function updateVersion(
  ctx: Context,
  { model, version, description, stage }: Input<Operations['updateVersion']>,
): Promise<Version> {
  return transaction(ctx, async (ctx) => {
    const row = await requireVersion(ctx, model, version)
    const values = {
      ...(description === undefined ? {} : { description }),
      ...(stage === undefined ? {} : { stage }),
      updated_at: ctx.now().toISOString(),
    }
    await store.updateVersion(ctx, model, version, values)
    await append(ctx, 'registry.version_updated', `model/${model}`, { version, description, stage })
    return toVersion(ctx, { ...row, ...values })
  })
}

/** Once: what a version was trained on is as much its own as its bytes. */
export async function setTrainingSet(
  ctx: Context,
  { model, version, trainingSet }: Input<Operations['setTrainingSet']>,
): Promise<Version> {
  const before = await requireVersion(ctx, model, version)
  const inferred =
    before.signature === null ? await inferFromTraining(ctx, { model, flavor: before.flavor, trainingSet }) : undefined
  return transaction(ctx, async (ctx) => {
    const row = await requireVersion(ctx, model, version)
    await features.getTrainingSet(ctx, { trainingSet })
    if (row.training_set === trainingSet) return toVersion(ctx, row)
    if (row.training_set !== null)
      throw conflict(`"${model}@${version}" was trained on "${row.training_set}".`, {
        name: trainingSet,
        hint: 'Register a version of its own for what was trained on something else.',
      })
    const signature = row.signature ?? inferred ?? null
    const values = { training_set: trainingSet, signature, updated_at: ctx.now().toISOString() }
    await store.updateVersion(ctx, model, version, values)
    await append(ctx, 'registry.training_set_named', `model/${model}`, { version, trainingSet })
    const told = inferred && row.signature === null ? inferredWords(inferred) : undefined
    if (inferred && row.signature === null) await tellInferred(ctx, { model, version, signature: inferred })
    return { ...(await toVersion(ctx, { ...row, ...values })), ...(told === undefined ? {} : { warnings: [told] }) }
  })
}

type StageMove = { model: string; version: number; stage: Version['stage']; archive: boolean }

/** Sets a stage, a label of old MLflow clients; with `archive`, other versions in that stage become "Archived". */
export function moveStage(ctx: Context, { model, version, stage, archive }: StageMove): Promise<Version> {
  return transaction(ctx, async (ctx) => {
    await requireVersion(ctx, model, version)
    if (stage === 'Production') await refuseProduction(ctx, model, version)
    if (archive) await store.archiveStage(ctx, { model, stage, except: version, at: ctx.now().toISOString() })
    return updateVersion(ctx, { model, version, stage })
  })
}

/** Only the live version of a model that is released here may be labelled "Production". */
async function refuseProduction(ctx: Context, model: string, version: number): Promise<void> {
  const { spec_version } = await requireModel(ctx, model)
  const live = (await store.listAliases(ctx, model)).find(({ alias }) => alias === liveAlias)
  if (spec_version === 0 || live?.version === version) return
  throw new AppError('refused_by_policy', `"${model}@${version}" is not live: it becomes "Production" by a release.`, {
    name: `${model}@${version}`,
    hint: `keel release ${model}@${version} --reason "…"`,
  })
}

export function deleteVersion(
  ctx: Context,
  { model, version }: Input<Operations['deleteVersion']>,
): Promise<Output<Operations['deleteVersion']>> {
  return transaction(ctx, async (ctx) => {
    await requireVersion(ctx, model, version)
    const aliases = (await store.listAliases(ctx, model)).filter((row) => row.version === version)
    if (aliases.some(({ alias }) => alias === liveAlias)) {
      throw new AppError('refused_by_policy', `"${model}@${version}" is live and cannot be deleted.`, {
        name: `${model}@${version}`,
        hint: `keel rollback ${model}`,
      })
    }
    await store.deleteVersion(ctx, model, version)
    for (const { alias } of aliases) await append(ctx, 'registry.alias_deleted', `model/${model}`, { alias })
    await append(ctx, 'registry.version_deleted', `model/${model}`, { version })
    return {}
  })
}

export function tagVersion(
  ctx: Context,
  { model, version, key, value }: Input<Operations['tagVersion']>,
): Promise<Version> {
  return transaction(ctx, async (ctx) => {
    const row = await requireVersion(ctx, model, version)
    await store.saveTag(ctx, { model, version, key, value })
    await append(ctx, 'registry.version_tagged', `model/${model}`, { kind: kindOf(row), version, key, value })
    return toVersion(ctx, row)
  })
}

export function untagVersion(
  ctx: Context,
  { model, version, key }: Input<Operations['untagVersion']>,
): Promise<Version> {
  return transaction(ctx, async (ctx) => {
    const row = await requireVersion(ctx, model, version)
    await store.removeTag(ctx, model, version, key)
    await append(ctx, 'registry.version_untagged', `model/${model}`, { kind: kindOf(row), version, key })
    return toVersion(ctx, row)
  })
}

function kindOf({ flavor }: store.VersionRecord): 'model' | 'prompt' {
  return flavor === 'prompt' ? 'prompt' : 'model'
}

export async function lineage(
  ctx: Context,
  { model, version }: Input<Operations['lineage']>,
): Promise<Output<Operations['lineage']>> {
  return wholeLineageOf(ctx, await requireVersion(ctx, model, version))
}

export async function downloadVersion(
  ctx: Context,
  { model, version }: Input<Operations['downloadVersion']>,
): Promise<BytesReply> {
  const row = await requireVersion(ctx, model, version)
  const files = row.artifact === null ? [] : (await artifacts.get(ctx, { digest: row.artifact })).files
  const file = files[0]
  if (!file) throw notFound('File of', `${model}@${version}`)
  if (!(await ctx.blobs.verify(file.digest)))
    throw new AppError('digest_mismatch', `The bytes of "${file.path}" are damaged.`, { name: file.path })
  return {
    stream: await ctx.blobs.read(file.digest),
    size: file.size,
    contentType: 'application/octet-stream',
    filename: file.path,
  }
}

export async function requireVersion(ctx: Context, model: string, version: number): Promise<store.VersionRecord> {
  await requireModel(ctx, model)
  const row = await store.findVersion(ctx, model, version)
  if (!row) throw notFound('Model version', `${model}@${version}`, `List them with "keel models versions ${model}".`)
  return row
}

async function toVersion(ctx: Context, row: store.VersionRecord): Promise<Version> {
  const { version } = row
  const aliases = await store.listAliases(ctx, row.model)
  const tags = await store.listTags(ctx, row.model, version)
  const { tainted } = await lineageOf(ctx, row)
  return {
    model: row.model,
    version,
    flavor: row.flavor as Version['flavor'],
    artifact: row.artifact,
    constant: row.constant,
    prompt: row.prompt,
    signature: row.signature,
    service: row.service,
    trainingSet: row.training_set,
    run: row.run_id,
    code: row.code,
    uri: row.uri,
    loggedModel: row.logged_model,
    mlflow: row.mlflow,
    stage: row.stage as Version['stage'],
    description: row.description,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    aliases: aliases.filter((alias) => alias.version === version).map(({ alias }) => alias),
    tainted,
    scan: row.scan,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdBy: row.created_by,
  }
}
