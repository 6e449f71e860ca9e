import type { Context } from '../../core/context.ts'
import { parseFilter, parseSort, words } from '../../core/search/search.ts'
import * as registry from '../../domains/registry/registry.ts'
import { call, reading } from './call.ts'
import { exists, invalid, missing, orSay } from './errors.ts'
import * as input from './input.ts'
import { kindOf, modelName, onName, toStage, versionNumber } from './registry-input.ts'
import { latestOfStages, type Model, modelVersion, promptTag, registeredModel, type Version } from './registry-views.ts'
import * as views from './views.ts'

const maxTagLength = 100_000

export const registeredModelCalls = [
  call('POST registered-models/create', create),
  call('POST registered-models/rename', rename),
  call('PATCH registered-models/update', update),
  call('DELETE registered-models/delete', remove),
  call('GET registered-models/get', get),
  call('GET registered-models/search', search),
  call('POST registered-models/get-latest-versions', latest, reading),
  call('GET registered-models/get-latest-versions', latest),
  call('POST registered-models/set-tag', setTag),
  call('DELETE registered-models/delete-tag', deleteTag),
  call('POST registered-models/alias', setAlias),
  call('GET registered-models/alias', getByAlias),
  call('DELETE registered-models/alias', deleteAlias),
]

async function view(ctx: Context, model: Model): Promise<object> {
  return registeredModel(model, latestOfStages(await versionsOf(ctx, model.name)))
}

async function versionsOf(ctx: Context, model: string): Promise<Version[]> {
  const { items } = await registry.listVersions(ctx, { model, limit: 1000 })
  return items
}

async function create(ctx: Context, fields: input.Fields) {
  const name = modelName(fields)
  const tags = input.tags(fields, 'tags', maxTagLength)
  const made = registry.createModel(ctx, {
    name,
    kind: tags[promptTag] === 'true' ? 'prompt' : 'model',
    description: input.optionalText(fields, 'description', { max: maxTagLength }) ?? '',
    tags,
  })
  const model = await orSay(made, 'conflict', () => exists(`Registered Model (name=${name}) already exists.`))
  return { registered_model: registeredModel(model, []) }
}

async function rename(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  const name = modelName(fields, 'new_name')
  const renamed = onName(model, registry.renameModel(ctx, { model, name }))
  const found = await orSay(renamed, 'conflict', () => exists(`Registered Model (name=${name}) already exists.`))
  return { registered_model: await view(ctx, found) }
}

async function update(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  const description = input.optionalText(fields, 'description', { max: maxTagLength }) ?? ''
  return {
    registered_model: await view(ctx, await onName(model, registry.updateModel(ctx, { model, description }))),
  }
}

async function remove(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  await onName(model, registry.deleteModel(ctx, { model }))
  return {}
}

async function get(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  return { registered_model: await view(ctx, await onName(model, registry.getModel(ctx, { model }))) }
}

const columns: Record<string, 'name' | 'created_at' | 'updated_at'> = {
  name: 'name',
  timestamp: 'updated_at',
  creation_timestamp: 'created_at',
  last_updated_timestamp: 'updated_at',
}

async function search(ctx: Context, fields: input.Fields) {
  const limit = input.maxResults(fields, { fallback: 100, max: 1000 })
  const offset = input.offsetOf(input.pageToken(fields))
  const { kind, rest } = kindOf(parseFilter(input.optionalText(fields, 'filter')))
  const { models, more } = await registry.searchModels(ctx, {
    kind,
    conditions: rest.map((clause) => {
      if (/^tags?$/i.test(clause.entity)) return { on: 'tag', key: clause.key, ...words(clause) }
      if (clause.key !== 'name') throw invalid(`Invalid attribute key '${clause.key}' specified.`)
      return { on: 'name', ...words(clause) }
    }),
    order: input.texts(fields, 'order_by').map((text) => {
      const { key, descending } = parseSort(text)
      const column = columns[key]
      if (!column) throw invalid(`Invalid order_by key '${key}' specified.`)
      return { column, descending }
    }),
    limit,
    offset,
  })
  const found: object[] = []
  for (const model of models) found.push(await view(ctx, model))
  return { ...views.list('registered_models', found), ...input.tokenOf(more ? String(offset + limit) : undefined) }
}

async function latest(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  await onName(model, registry.getModel(ctx, { model }))
  const stages = input.texts(fields, 'stages').map(toStage)
  return views.list('model_versions', latestOfStages(await versionsOf(ctx, model), stages).map(modelVersion))
}

async function setTag(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  const value = input.optionalText(fields, 'value', { max: maxTagLength }) ?? ''
  await onName(model, registry.tagModel(ctx, { model, key: input.key(fields), value }))
  return {}
}

async function deleteTag(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  await onName(model, registry.untagModel(ctx, { model, key: input.text(fields, 'key') }))
  return {}
}

async function setAlias(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  const alias = input.text(fields, 'alias', { max: 255 })
  if (!/^[\w-]*$/.test(alias)) throw invalid(`Invalid alias name: ${JSON.stringify(alias)}.`)
  if (/^(latest|v\d+)$/i.test(alias)) throw invalid(`The alias '${alias}' is reserved.`)
  const version = versionNumber(fields)
  await onName(model, registry.getModel(ctx, { model }))
  await orSay(registry.setAlias(ctx, { model, alias, version }), 'not_found', () =>
    missing(`Model Version (name=${model}, version=${version}) not found`),
  )
  return {}
}

async function getByAlias(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  const alias = input.text(fields, 'alias')
  const { aliases } = await onName(model, registry.getModel(ctx, { model }))
  const version = aliases[alias]
  if (version === undefined) throw invalid(`Registered model alias ${alias} not found.`)
  return { model_version: modelVersion(await registry.getVersion(ctx, { model, version })) }
}

async function deleteAlias(ctx: Context, fields: input.Fields) {
  const model = modelName(fields)
  const alias = input.text(fields, 'alias')
  const { aliases } = await onName(model, registry.getModel(ctx, { model }))
  if (alias in aliases) await registry.deleteAlias(ctx, { model, alias })
  return {}
}
