import type { Context } from '../../core/context.ts'
import { AppError, conflict, notFound } from '../../core/errors.ts'
import { digestOfJson } from '../../core/json/json.ts'
import { transaction } from '../../core/transaction.ts'
import { append } from './events.ts'
import { createModel, getModel } from './models.ts'
import { type ModelSpec, withPresentNames } from './spec/spec.ts'
import * as store from './store.ts'

/** Stores a spec as a new version; an unchanged one, or one that only uses newer names, changes nothing. */
export function applySpec(ctx: Context, given: ModelSpec): Promise<void> {
  const spec = withPresentNames(given)
  return transaction(ctx, async (ctx) => {
    // A spec that names a provider is a prompt's.
    const kind = spec.serves.provider ? 'prompt' : 'model'
    if (!(await store.findModel(ctx, spec.model))) await createModel(ctx, { name: spec.model, kind })
    const { specVersion } = await getModel(ctx, { model: spec.model })
    const digest = digestOfJson(spec)
    const current = await store.findSpec(ctx, spec.model, specVersion)
    if (current && digestOfJson(current.spec) === digest) return
    await refuseSharedNames(ctx, spec)
    const version = specVersion + 1
    const now = ctx.now().toISOString()
    await store.insertSpec(ctx, {
      model: spec.model,
      version,
      spec,
      digest,
      created_at: now,
      created_by: ctx.actor.name,
    })
    await store.updateModel(ctx, spec.model, { spec_version: version, updated_at: now })
    await append(ctx, 'registry.spec_applied', `model/${spec.model}`, { version, digest })
  })
}

/** The newest spec version of each of these models, in one query. */
export function specVersions(ctx: Context, { models }: { models: string[] }): Promise<Map<string, number>> {
  return store.specVersions(ctx, models)
}

export async function requireSpec(ctx: Context, model: string): Promise<ModelSpec> {
  const { spec } = await getModel(ctx, { model })
  if (spec) return spec
  throw new AppError('refused_by_policy', `"${model}" has no spec.`, {
    name: model,
    hint: `Write models/${model}.yaml, then run "keel apply".`,
  })
}

/** Which model the spans of a language model belong to, by the name that they give it: as its spec says under `serves.gen_ai`. */
export async function modelsOfSpans(ctx: Context): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const { model, serves } of await store.currentSpecs(ctx))
    for (const name of serves.gen_ai ?? []) if (!found.has(name)) found.set(name, model)
  return found
}

/** Spans of one name are predictions of one model. */
async function refuseSharedNames(ctx: Context, { model, serves }: ModelSpec): Promise<void> {
  const taken = serves.gen_ai ? await modelsOfSpans(ctx) : undefined
  for (const name of serves.gen_ai ?? []) {
    const other = taken?.get(name)
    if (other === undefined || other === model) continue
    throw conflict(`Spans of "${name}" are predictions of "${other}" already.`, {
      name,
      hint: `Name it under "serves.gen_ai" of one model only, or set the attribute "keel.model" on the spans.`,
    })
  }
}

/** The spec as it was in one of its versions. */
export async function getSpec(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<ModelSpec> {
  const row = await store.findSpec(ctx, model, version)
  if (!row) throw notFound('Spec version', `${model} v${version}`)
  return row.spec
}

/** Since when a part of the spec has been as it is now. */
export async function unchangedSince(
  ctx: Context,
  model: string,
  part: (spec: ModelSpec) => unknown,
): Promise<string | undefined> {
  const { specVersion } = await getModel(ctx, { model })
  const digestOf = (spec: ModelSpec) => digestOfJson(part(spec) ?? null)
  let since: string | undefined
  let digest: string | undefined
  for (let version = specVersion; version > 0; version--) {
    const row = await store.findSpec(ctx, model, version)
    if (!row || (digest !== undefined && digestOf(row.spec) !== digest)) break
    digest = digestOf(row.spec)
    since = row.created_at
  }
  return since
}

/** The digest of a version of a spec as it was applied: keys that were renamed since do not change it. */
export async function specDigest(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<string | undefined> {
  return (await store.findSpec(ctx, model, version))?.digest
}

/** The newest spec of every model that has one, by name. */
export function currentSpecs(ctx: Context): Promise<ModelSpec[]> {
  return store.currentSpecs(ctx)
}

/** The newest spec, if there is one. */
export async function currentSpec(ctx: Context, model: string): Promise<ModelSpec | undefined> {
  const row = await store.findModel(ctx, model)
  const found = row && (await store.findSpec(ctx, model, row.spec_version))
  return found?.spec
}
