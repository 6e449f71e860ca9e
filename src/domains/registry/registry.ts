import { digestOfJson } from '../../core/canonical.ts'
import type { Context } from '../../core/context.ts'
import type { BytesReply, Input, Output } from '../../core/contract.ts'
import { AppError, conflict, invalidInput, notFound } from '../../core/errors.ts'
import { append } from '../../core/events.ts'
import { transaction } from '../../core/transaction.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as features from '../features/features.ts'
import * as runs from '../runs/runs.ts'
import type { registry } from './contract.ts'
import { lineageOf } from './lineage.ts'
import type { ModelsTable, VersionsTable } from './schema.ts'
import type { ModelSpec } from './spec.ts'
import * as store from './store.ts'

export { openRuntime, type Runtime } from './runtime.ts'

type Operations = typeof registry
type Model = Output<Operations['getModel']>
type Version = Output<Operations['getVersion']>

/** The alias that says what production answers with; only delivery moves it. */
const liveAlias = 'live'

export async function listModels(
  ctx: Context,
  { kind, limit = 100, cursor = '' }: Input<Operations['listModels']>,
): Promise<Output<Operations['listModels']>> {
  const rows = await store.listModels(ctx, kind, cursor, limit)
  const items: Model[] = []
  for (const row of rows) items.push(await toModel(ctx, row))
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items, ...(last ? { next: last.name } : {}) }
}

export async function getModel(ctx: Context, { model }: Input<Operations['getModel']>): Promise<Model> {
  return toModel(ctx, await requireModel(ctx, model))
}

export function createModel(
  ctx: Context,
  { name, kind = 'model', tags = {} }: Input<Operations['createModel']>,
): Promise<Model> {
  return transaction(ctx, async (ctx) => {
    if (await store.findModel(ctx, name)) throw conflict(`"${name}" is registered.`, { name })
    const row: ModelsTable = {
      name,
      kind,
      spec_version: 0,
      latest_version: 0,
      baseline: null,
      tags: JSON.stringify(tags),
      created_at: ctx.now().toISOString(),
    }
    await store.insertModel(ctx, row)
    await append(ctx, 'registry.model_created', `model/${name}`, { kind })
    return toModel(ctx, row)
  })
}

/** Stores a spec as a new version; an unchanged one changes nothing. */
export function applySpec(ctx: Context, spec: ModelSpec): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const model =
      (await store.findModel(ctx, spec.model)) ??
      (await createModel(ctx, { name: spec.model }), await requireModel(ctx, spec.model))
    const digest = digestOfJson(spec)
    const current = await store.findSpec(ctx, spec.model, Number(model.spec_version))
    if (current?.digest === digest) return
    const version = Number(model.spec_version) + 1
    const row = {
      model: spec.model,
      version,
      spec: JSON.stringify(spec),
      digest,
      created_at: ctx.now().toISOString(),
      created_by: ctx.actor.name,
    }
    await store.insertSpec(ctx, row)
    await store.updateModel(ctx, spec.model, { spec_version: version })
    await append(ctx, 'registry.spec_applied', `model/${spec.model}`, { version, digest })
  })
}

export async function requireSpec(ctx: Context, model: string): Promise<ModelSpec> {
  const { spec } = await getModel(ctx, { model })
  if (spec) return spec
  throw new AppError('refused_by_policy', `"${model}" has no spec.`, {
    name: model,
    hint: `Write models/${model}.yaml, then run "keel apply".`,
  })
}

export function registerVersion(ctx: Context, input: Input<Operations['registerVersion']>): Promise<Version> {
  return transaction(ctx, async (ctx) => {
    const model = await requireModel(ctx, input.model)
    await checkVersion(ctx, model, input)
    const version = Number(model.latest_version) + 1
    const row: VersionsTable = {
      model: input.model,
      version,
      flavor: input.flavor,
      artifact: input.artifact ?? null,
      constant: input.constant ?? null,
      prompt: input.prompt ?? null,
      signature: input.signature ? JSON.stringify(input.signature) : null,
      service: input.service ?? null,
      training_set: input.trainingSet ?? null,
      run_id: input.run ?? null,
      code: input.code ?? null,
      sources: JSON.stringify(input.sources ?? []),
      description: input.description ?? '',
      created_at: ctx.now().toISOString(),
      created_by: ctx.actor.name,
    }
    await store.insertVersion(ctx, row)
    await store.updateModel(ctx, input.model, { latest_version: version })
    for (const [key, value] of Object.entries(input.tags ?? {}))
      await store.saveTag(ctx, { model: input.model, version, key, value })
    await append(ctx, 'registry.version_registered', `model/${input.model}`, { version, artifact: row.artifact })
    return toVersion(ctx, row)
  })
}

/** A version without what its flavor needs, or with a lineage that leads nowhere, is refused. */
async function checkVersion(
  ctx: Context,
  model: ModelsTable,
  input: Input<Operations['registerVersion']>,
): Promise<void> {
  const needs = { onnx: 'artifact', constant: 'constant', prompt: 'prompt' } as const
  const needed = needs[input.flavor]
  if (input[needed] === undefined)
    throw invalidInput(`A version of flavor "${input.flavor}" needs "${needed}".`, { name: needed })
  if ((input.flavor === 'prompt') !== (model.kind === 'prompt')) {
    throw invalidInput(`"${model.name}" is a ${model.kind}; a "${input.flavor}" cannot be a version of it.`, {
      name: 'flavor',
    })
  }
  if (input.flavor === 'onnx' && input.signature === undefined)
    throw invalidInput('A model needs a "signature".', { name: 'signature' })
  if (input.artifact !== undefined) await artifacts.get(ctx, { digest: input.artifact })
  if (input.run !== undefined) await runs.get(ctx, { run: input.run })
  if (input.trainingSet !== undefined) await features.getTrainingSet(ctx, { trainingSet: input.trainingSet })
  if (input.service !== undefined) await features.sourcesOf(ctx, input.service)
}

export async function listVersions(
  ctx: Context,
  { model, limit = 100, cursor }: Input<Operations['listVersions']>,
): Promise<Output<Operations['listVersions']>> {
  await requireModel(ctx, model)
  const rows = await store.listVersions(ctx, model, cursor === undefined ? undefined : Number(cursor), limit)
  const items: Version[] = []
  for (const row of rows) items.push(await toVersion(ctx, row))
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items, ...(last ? { next: String(last.version) } : {}) }
}

export async function getVersion(ctx: Context, { model, version }: Input<Operations['getVersion']>): Promise<Version> {
  return toVersion(ctx, await requireVersion(ctx, model, version))
}

export function setAlias(ctx: Context, { model, alias, version }: Input<Operations['setAlias']>): Promise<Model> {
  if (alias === liveAlias) throw reserved(model)
  return transaction(ctx, async (ctx) => {
    await requireVersion(ctx, model, version)
    await store.saveAlias(ctx, { model, alias, version })
    await append(ctx, 'registry.alias_set', `model/${model}`, { alias, version })
    return getModel(ctx, { model })
  })
}

export function deleteAlias(ctx: Context, { model, alias }: Input<Operations['deleteAlias']>): Promise<Model> {
  if (alias === liveAlias) throw reserved(model)
  return transaction(ctx, async (ctx) => {
    await requireModel(ctx, model)
    const known = (await store.listAliases(ctx, model)).some((row) => row.alias === alias)
    if (!known) throw notFound('Alias', alias)
    await store.removeAlias(ctx, model, alias)
    await append(ctx, 'registry.alias_deleted', `model/${model}`, { alias })
    return getModel(ctx, { model })
  })
}

function reserved(model: string): AppError {
  return new AppError(
    'refused_by_policy',
    `The alias "${liveAlias}" follows what is live; it is moved by releases only.`,
    {
      name: liveAlias,
      hint: `keel release ${model}@<version> --reason "…"`,
    },
  )
}

/** Follows what delivery made live; version 0, the baseline, has no alias. */
export async function moveLiveAlias(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<void> {
  if (version === 0) await store.removeAlias(ctx, model, liveAlias)
  else await store.saveAlias(ctx, { model, alias: liveAlias, version })
  await append(ctx, 'registry.alias_set', `model/${model}`, { alias: liveAlias, version })
}

/** What the built-in baseline of a model answers, on its own and as the last resort of the endpoint. */
export async function setBaseline(ctx: Context, { model, value }: { model: string; value: number }): Promise<void> {
  await store.updateModel(ctx, model, { baseline: value })
  await append(ctx, 'registry.baseline_set', `model/${model}`, { value })
}

export async function getBaseline(ctx: Context, model: string): Promise<number | null> {
  return (await requireModel(ctx, model)).baseline
}

export function tagVersion(
  ctx: Context,
  { model, version, key, value }: Input<Operations['tagVersion']>,
): Promise<Version> {
  return transaction(ctx, async (ctx) => {
    const row = await requireVersion(ctx, model, version)
    await store.saveTag(ctx, { model, version, key, value })
    await append(ctx, 'registry.version_tagged', `model/${model}`, { version, key })
    return toVersion(ctx, row)
  })
}

export async function lineage(
  ctx: Context,
  { model, version }: Input<Operations['lineage']>,
): Promise<Output<Operations['lineage']>> {
  return lineageOf(ctx, await requireVersion(ctx, model, version))
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

async function requireModel(ctx: Context, name: string): Promise<ModelsTable> {
  const row = await store.findModel(ctx, name)
  if (!row) throw notFound('Model', name, 'List them with "keel models list".')
  return row
}

async function requireVersion(ctx: Context, model: string, version: number): Promise<VersionsTable> {
  await requireModel(ctx, model)
  const row = await store.findVersion(ctx, model, version)
  if (!row) throw notFound('Model version', `${model}@${version}`, `List them with "keel models versions ${model}".`)
  return row
}

async function toModel(ctx: Context, row: ModelsTable): Promise<Model> {
  const spec = await store.findSpec(ctx, row.name, Number(row.spec_version))
  return {
    name: row.name,
    kind: row.kind as Model['kind'],
    spec: spec ? (JSON.parse(spec.spec) as ModelSpec) : null,
    specVersion: Number(row.spec_version),
    latestVersion: Number(row.latest_version),
    aliases: Object.fromEntries(
      (await store.listAliases(ctx, row.name)).map(({ alias, version }) => [alias, Number(version)]),
    ),
    tags: JSON.parse(row.tags) as Record<string, string>,
    createdAt: row.created_at,
  }
}

async function toVersion(ctx: Context, row: VersionsTable): Promise<Version> {
  const version = Number(row.version)
  const [aliases, tags, { tainted }] = [
    await store.listAliases(ctx, row.model),
    await store.listTags(ctx, row.model, version),
    await lineageOf(ctx, row),
  ]
  return {
    model: row.model,
    version,
    flavor: row.flavor as Version['flavor'],
    artifact: row.artifact,
    constant: row.constant,
    prompt: row.prompt,
    signature: row.signature === null ? null : (JSON.parse(row.signature) as Version['signature']),
    service: row.service,
    trainingSet: row.training_set,
    run: row.run_id,
    code: row.code,
    description: row.description,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    aliases: aliases.filter((alias) => Number(alias.version) === version).map(({ alias }) => alias),
    tainted,
    createdAt: row.created_at,
    createdBy: row.created_by,
  }
}
