import type { Context } from '../../core/context.ts'
import { number, parseFilter, parseSort, words } from '../../core/search/search.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import * as artifacts from '../../domains/artifacts/artifacts.ts'
import * as registry from '../../domains/registry/registry.ts'
import * as runs from '../../domains/runs/runs.ts'
import { call } from './call.ts'
import { invalid, missing, orSay } from './errors.ts'
import * as input from './input.ts'
import { checkSource, proxiedPath } from './locations.ts'
import { referenceTag, trainedOn } from './reference.ts'
import { kindOf, modelName, onName, toStage, versionNumber } from './registry-input.ts'
import { modelVersion, promptTag, type Version } from './registry-views.ts'
import { noRun } from './run-calls.ts'
import * as views from './views.ts'

const maxTagLength = 100_000

export const modelVersionCalls = [
  call('POST model-versions/create', create),
  call('PATCH model-versions/update', update),
  call('POST model-versions/transition-stage', transition),
  call('DELETE model-versions/delete', remove),
  call('GET model-versions/get', get),
  call('GET model-versions/search', search),
  call('GET model-versions/get-download-uri', downloadUri),
  call('POST model-versions/set-tag', setTag),
  call('DELETE model-versions/delete-tag', deleteTag),
]

async function require(ctx: Context, fields: input.Fields): Promise<Version> {
  const model = modelName(fields)
  const version = versionNumber(fields)
  return orSay(registry.getVersion(ctx, { model, version }), 'not_found', () =>
    missing(`Model Version (name=${model}, version=${version}) not found`),
  )
}

async function create(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  const source = input.text(fields, 'source', { max: 2048 })
  const tags = input.tags(fields, 'tags', maxTagLength)
  const { kind } = await onName(model, registry.getModel(ctx, { model }))
  if (!(kind === 'prompt' && tags[promptTag] === 'true')) checkSource(ctx, source)
  const origin = await originOf(ctx, source)
  const loggedModel = input.optionalText(fields, 'model_id') || origin.loggedModel
  const run = input.optionalText(fields, 'run_id') || (await sourceRun(ctx, loggedModel))
  const path = kind === 'prompt' ? undefined : proxiedPath(origin.location)
  const artifact = path === undefined || path === '' ? undefined : await artifacts.freeze(ctx, { path })
  const content =
    kind === 'prompt'
      ? { flavor: 'prompt' as const, prompt: tags['mlflow.prompt.text'] ?? '' }
      : { flavor: 'mlflow' as const, artifact }
  const trainingSet = await trainedOn(ctx, { model, run: run || undefined, tags })
  const version = withoutUndefined({
    model,
    ...content,
    uri: source,
    tags,
    description: input.optionalText(fields, 'description', { max: maxTagLength }) ?? '',
    run: run || undefined,
    loggedModel: loggedModel || undefined,
    trainingSet,
  })
  const made = registry.registerVersion(ctx, version)
  return { model_version: modelVersion(await orSay(made, 'not_found', noRun(run ?? ''))) }
}

async function sourceRun(ctx: Context, loggedModel: string | undefined): Promise<string | undefined> {
  return loggedModel ? ((await runs.getLoggedModel(ctx, loggedModel)).sourceRun ?? undefined) : undefined
}

const deepest = 8

/** Where the bytes of a source are: `models:/…` names a logged model, or a version that has a source of its own. */
async function originOf(
  ctx: Context,
  source: string,
  depth = 0,
): Promise<{ location: string; loggedModel: string | undefined }> {
  const logged = /^models:\/(m-[0-9a-f]{32})(\/.*)?$/.exec(source)
  if (logged?.[1]) {
    const found = runs.getLoggedModel(ctx, logged[1])
    const { location } = await orSay(found, 'not_found', () =>
      missing(`Logged model with ID '${logged[1]}' not found.`),
    )
    return { location: `${location}${logged[2] ?? ''}`, loggedModel: logged[1] }
  }
  const version = /^models:\/([^/:]+)\/(\d{1,15})$/.exec(source)
  if (!version?.[1] || depth === deepest) return { location: source, loggedModel: undefined }
  const { uri } = await require(ctx, { name: decodeURIComponent(version[1]), version: version[2] })
  return originOf(ctx, uri ?? '', depth + 1)
}

async function update(ctx: Context, fields: input.Fields) {
  const { model, version } = await require(ctx, fields)
  const description = input.optionalText(fields, 'description', { max: maxTagLength }) ?? ''
  return { model_version: modelVersion(await registry.updateVersion(ctx, { model, version, description })) }
}

async function transition(ctx: Context, fields: input.Fields) {
  const { model, version } = await require(ctx, fields)
  const stage = toStage(input.text(fields, 'stage'))
  const archive = input.flag(fields, 'archive_existing_versions')
  if (archive && stage !== 'Staging' && stage !== 'Production')
    throw invalid(
      `Model version transition cannot archive existing model versions because '${stage}' is not an Active stage. Valid stages are Staging, Production`,
    )
  const changed = await registry.moveStage(ctx, { model, version, stage, archive })
  return { model_version: modelVersion(changed) }
}

async function remove(ctx: Context, fields: input.Fields) {
  const { model, version } = await require(ctx, fields)
  await registry.deleteVersion(ctx, { model, version })
  return {}
}

async function get(ctx: Context, fields: input.Fields) {
  return { model_version: modelVersion(await require(ctx, fields)) }
}

const textColumns: Record<string, 'model' | 'run_id' | 'uri'> = { name: 'model', run_id: 'run_id', source_path: 'uri' }
const sortColumns: Record<string, 'model' | 'version' | 'created_at' | 'updated_at'> = {
  name: 'model',
  version_number: 'version',
  creation_timestamp: 'created_at',
  last_updated_timestamp: 'updated_at',
}

async function search(ctx: Context, fields: input.Fields) {
  const limit = input.maxResults(fields, { fallback: 10_000, max: 200_000 })
  const offset = input.offsetOf(input.pageToken(fields))
  const { kind, rest } = kindOf(parseFilter(input.optionalText(fields, 'filter')))
  const { versions, more } = await registry.searchVersions(ctx, {
    kind,
    conditions: rest.map((clause): registry.VersionCondition => {
      if (/^tags?$/i.test(clause.entity)) return { on: 'tag', key: clause.key, ...words(clause) }
      if (clause.key === 'version_number') return { on: 'version', ...number(clause) }
      const on = textColumns[clause.key]
      if (!on) throw invalid(`Invalid attribute key '${clause.key}' specified.`)
      return { on, ...words(clause) }
    }),
    order: input.texts(fields, 'order_by').map((text) => {
      const { key, descending } = parseSort(text)
      const column = sortColumns[key]
      if (!column) throw invalid(`Invalid order_by key '${key}' specified.`)
      return { column, descending }
    }),
    limit,
    offset,
  })
  return {
    ...views.list('model_versions', versions.map(modelVersion)),
    ...input.tokenOf(more ? String(offset + limit) : undefined),
  }
}

async function downloadUri(ctx: Context, fields: input.Fields) {
  const { uri } = await require(ctx, fields)
  return { artifact_uri: (await originOf(ctx, uri ?? '')).location }
}

async function setTag(ctx: Context, fields: input.Fields) {
  const { model, version, tags, run, trainingSet: known } = await require(ctx, fields)
  const value = input.optionalText(fields, 'value', { max: maxTagLength }) ?? ''
  const key = input.key(fields)
  if (key === referenceTag && !(known !== null && tags[key] === value)) {
    if (known !== null) throw invalid(`"${model}@${version}" was trained on "${known}": that is said once.`)
    const trainingSet = await trainedOn(ctx, { model, run: run ?? undefined, tags: { ...tags, [key]: value } })
    if (trainingSet !== undefined) await registry.setTrainingSet(ctx, { model, version, trainingSet })
  }
  await registry.tagVersion(ctx, { model, version, key, value })
  return {}
}

async function deleteTag(ctx: Context, fields: input.Fields) {
  const { model, version } = await require(ctx, fields)
  await registry.untagVersion(ctx, { model, version, key: input.text(fields, 'key') })
  return {}
}
