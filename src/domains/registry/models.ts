import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, conflict, notFound } from '../../core/errors.ts'
import { nextOf } from '../../core/paging.ts'
import { transaction } from '../../core/transaction.ts'
import type { registry } from './contract.ts'
import { append } from './events.ts'
import { liveAlias } from './rules.ts'
import type { ModelsTable } from './schema.ts'
import { searchModels as findModels, type ModelQuery } from './search-store.ts'
import * as store from './store.ts'

type Operations = typeof registry
type Model = Output<Operations['getModel']>

export async function listModels(
  ctx: Context,
  { kind, limit = 100, cursor = '' }: Input<Operations['listModels']>,
): Promise<Output<Operations['listModels']>> {
  const rows = await store.listModels(ctx, kind, cursor, limit)
  const items: Model[] = []
  for (const row of rows) items.push(await toModel(ctx, row))
  return { items, ...nextOf(rows, limit, ({ name }) => name) }
}

/** Searches models or prompts; all terms must hold. */
export async function searchModels(ctx: Context, query: ModelQuery): Promise<{ models: Model[]; more: boolean }> {
  const rows = await findModels(ctx, { ...query, limit: query.limit + 1 })
  const models: Model[] = []
  for (const row of rows.slice(0, query.limit)) models.push(await toModel(ctx, row))
  return { models, more: rows.length > query.limit }
}

export async function getModel(ctx: Context, { model }: Input<Operations['getModel']>): Promise<Model> {
  return toModel(ctx, await requireModel(ctx, model))
}

export function createModel(
  ctx: Context,
  { name, kind = 'model', description = '', tags = {} }: Input<Operations['createModel']>,
): Promise<Model> {
  return transaction(ctx, async (ctx) => {
    if (await store.findModel(ctx, name)) throw conflict(`"${name}" is registered.`, { name })
    const now = ctx.now().toISOString()
    const row: ModelsTable = {
      name,
      kind,
      spec_version: 0,
      latest_version: 0,
      baseline: null,
      baseline_text: null,
      description,
      created_at: now,
      updated_at: now,
    }
    await store.insertModel(ctx, row)
    for (const [key, value] of Object.entries(tags)) await store.saveModelTag(ctx, { model: name, key, value })
    await append(ctx, 'registry.model_created', `model/${name}`, { kind, description, tags })
    return toModel(ctx, row)
  })
}

export function updateModel(ctx: Context, { model, description }: Input<Operations['updateModel']>): Promise<Model> {
  return transaction(ctx, async (ctx) => {
    await requireModel(ctx, model)
    await store.updateModel(ctx, model, { description, updated_at: ctx.now().toISOString() })
    await append(ctx, 'registry.model_updated', `model/${model}`, { description })
    return getModel(ctx, { model })
  })
}

/** Refuses while a spec or production uses the name: releases, gates and golden sets refer to the model by it. */
export function renameModel(ctx: Context, { model, name }: { model: string; name: string }): Promise<Model> {
  return transaction(ctx, async (ctx) => {
    const row = await requireModel(ctx, model)
    await refuseInUse(ctx, row, 'renamed')
    if (await store.findModel(ctx, name)) throw conflict(`"${name}" is registered.`, { name })
    await store.renameModel(ctx, model, name)
    await store.updateModel(ctx, name, { updated_at: ctx.now().toISOString() })
    await append(ctx, 'registry.model_renamed', `model/${name}`, { from: model })
    return getModel(ctx, { model: name })
  })
}

export function deleteModel(
  ctx: Context,
  { model }: Input<Operations['deleteModel']>,
): Promise<Output<Operations['deleteModel']>> {
  return transaction(ctx, async (ctx) => {
    await refuseInUse(ctx, await requireModel(ctx, model), 'deleted')
    await store.deleteModel(ctx, model)
    await append(ctx, 'registry.model_deleted', `model/${model}`)
    return {}
  })
}

async function refuseInUse(ctx: Context, row: ModelsTable, verb: string): Promise<void> {
  const live = (await store.listAliases(ctx, row.name)).find(({ alias }) => alias === liveAlias)
  if (!live && row.spec_version === 0) return
  const why = live ? `version ${live.version} of it is live` : 'it has a spec'
  throw new AppError('refused_by_policy', `"${row.name}" cannot be ${verb}: ${why}.`, { name: row.name })
}

export function tagModel(ctx: Context, { model, key, value }: Input<Operations['tagModel']>): Promise<Model> {
  return transaction(ctx, async (ctx) => {
    const { kind } = await requireModel(ctx, model)
    await store.saveModelTag(ctx, { model, key, value })
    await append(ctx, 'registry.model_tagged', `model/${model}`, { kind, key, value })
    return getModel(ctx, { model })
  })
}

export function untagModel(ctx: Context, { model, key }: Input<Operations['untagModel']>): Promise<Model> {
  return transaction(ctx, async (ctx) => {
    const { kind } = await requireModel(ctx, model)
    await store.removeModelTag(ctx, model, key)
    await append(ctx, 'registry.model_untagged', `model/${model}`, { kind, key })
    return getModel(ctx, { model })
  })
}

/** The answer of a model's built-in baseline, which is also the endpoint's last fallback. */
export async function setBaseline(
  ctx: Context,
  { model, value }: { model: string; value: number | string },
): Promise<void> {
  await transaction(ctx, async (ctx) => {
    await requireModel(ctx, model)
    await store.updateModel(ctx, model, typeof value === 'number' ? { baseline: value } : { baseline_text: value })
    await append(ctx, 'registry.baseline_set', `model/${model}`, { value })
  })
}

export async function getBaseline(ctx: Context, model: string): Promise<number | string | null> {
  const { baseline, baseline_text } = await requireModel(ctx, model)
  return baseline ?? baseline_text
}

export async function requireModel(ctx: Context, name: string): Promise<ModelsTable> {
  const row = await store.findModel(ctx, name)
  if (!row) throw notFound('Model', name, 'List them with "keel models list".')
  return row
}

async function toModel(ctx: Context, row: ModelsTable): Promise<Model> {
  const spec = await store.findSpec(ctx, row.name, row.spec_version)
  const aliases = await store.listAliases(ctx, row.name)
  const tags = await store.modelTags(ctx, row.name)
  return {
    name: row.name,
    kind: row.kind,
    description: row.description,
    spec: spec?.spec ?? null,
    specVersion: row.spec_version,
    latestVersion: row.latest_version,
    aliases: Object.fromEntries(aliases.map(({ alias, version }) => [alias, version])),
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
