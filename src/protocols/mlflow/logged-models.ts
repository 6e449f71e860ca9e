import type { Context } from '../../core/context.ts'
import { number, parseFilter, words } from '../../core/search/search.ts'
import * as runs from '../../domains/runs/runs.ts'
import { call, reading } from './call.ts'
import { invalid, missing, orSay } from './errors.ts'
import { noExperiment } from './experiments.ts'
import * as input from './input.ts'
import * as views from './views.ts'

const longest = { param: 6000, tag: 8000 }

export const loggedModelCalls = [
  call('POST logged-models', create),
  call('POST logged-models/search', search, reading),
  call('GET logged-models/:model_id', get),
  call('PATCH logged-models/:model_id', finalize),
  call('DELETE logged-models/:model_id', remove),
  call('PATCH logged-models/:model_id/tags', setTags),
  call('DELETE logged-models/:model_id/tags/:tag_key', deleteTag),
  call('POST logged-models/:model_id/params', logParams),
]

export function onModel<T>(id: string, work: Promise<T>): Promise<T> {
  return orSay(work, 'not_found', () => missing(`Logged model with ID '${id}' not found.`))
}

async function create(ctx: Context, fields: input.Fields) {
  const experimentId = input.text(fields, 'experiment_id')
  const name = input.optionalText(fields, 'name', { max: 500 }) || `model-${ctx.id('lm').slice(-8)}`
  if (/[/:.%"']/.test(name) || name.trim() === '')
    throw invalid(
      `Invalid model name (${JSON.stringify(name)}) provided. Model name must be a non-empty string and cannot contain the following characters: ['/', ':', '.', '%', '"', "'"]`,
    )
  const model = await orSay(
    runs.recordLoggedModel(ctx, {
      experimentId,
      name,
      type: input.optionalText(fields, 'model_type') ?? '',
      sourceRun: input.optionalText(fields, 'source_run_id') || undefined,
      params: params(fields),
      tags: input.toPairs(input.tags(fields, 'tags', longest.tag)),
    }),
    'not_found',
    noExperiment(experimentId),
  )
  return { model: views.loggedModel(model) }
}

function params(fields: input.Fields) {
  return input.objects(fields, 'params').map((param, index) => ({
    key: input.key(param, `params[${index}].key`),
    value: input.cut(input.optionalText(param, 'value') ?? '', longest.param),
  }))
}

async function get(ctx: Context, fields: input.Fields) {
  const id = input.text(fields, 'model_id')
  return { model: views.loggedModel(await onModel(id, runs.getLoggedModel(ctx, id))) }
}

const statuses = ['LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED'] as const
const numbered: Record<string, string> = { '1': statuses[0], '2': statuses[1], '3': statuses[2] }

async function finalize(ctx: Context, fields: input.Fields) {
  const id = input.text(fields, 'model_id')
  const given = fields['status']
  const status = input.choice({ status: numbered[String(given)] ?? given }, 'status', statuses)
  if (!status) throw invalid("Missing value for required parameter 'status'.")
  return { model: views.loggedModel(await onModel(id, runs.finishLoggedModel(ctx, id, status))) }
}

async function remove(ctx: Context, fields: input.Fields) {
  const id = input.text(fields, 'model_id')
  await onModel(id, runs.deleteLoggedModel(ctx, id))
  return {}
}

async function setTags(ctx: Context, fields: input.Fields) {
  const id = input.text(fields, 'model_id')
  const tags = input.toPairs(input.tags(fields, 'tags', longest.tag))
  return { model: views.loggedModel(await onModel(id, runs.tagLoggedModel(ctx, id, tags))) }
}

async function deleteTag(ctx: Context, fields: input.Fields) {
  const id = input.text(fields, 'model_id')
  await onModel(id, runs.untagLoggedModel(ctx, id, input.text(fields, 'tag_key')))
  return {}
}

async function logParams(ctx: Context, fields: input.Fields) {
  const id = input.text(fields, 'model_id')
  await onModel(id, runs.addLoggedModelParams(ctx, id, params(fields)))
  return {}
}

const texts: Record<string, 'id' | 'name' | 'status' | 'model_type' | 'source_run' | 'location'> = {
  model_id: 'id',
  name: 'name',
  status: 'status',
  model_type: 'model_type',
  source_run_id: 'source_run',
  artifact_location: 'location',
}
const times: Record<string, 'created_at' | 'updated_at'> = {
  creation_timestamp: 'created_at',
  creation_time: 'created_at',
  last_updated_timestamp: 'updated_at',
}

async function search(ctx: Context, fields: input.Fields) {
  const limit = input.maxResults(fields, { fallback: 100, max: 1000 })
  const offset = input.offsetOf(input.pageToken(fields))
  const { models, more } = await runs.searchLoggedModels(ctx, {
    experiments: input.texts(fields, 'experiment_ids').map((id) => (/^\d{1,15}$/.test(id) ? Number(id) : -1)),
    conditions: parseFilter(input.optionalText(fields, 'filter')).map(toCondition),
    order: input.objects(fields, 'order_by').map(toOrder),
    limit,
    offset,
  })
  return {
    ...views.list('models', models.map(views.loggedModel)),
    ...input.tokenOf(more ? String(offset + limit) : undefined),
  }
}

function toCondition(clause: ReturnType<typeof parseFilter>[number]): runs.ModelCondition {
  const { entity, key } = clause
  if (/^metrics?$/.test(entity)) return { on: 'metric', key, ...number(clause) }
  if (/^(params?|parameters?)$/.test(entity)) return { on: 'param', key, ...words(clause) }
  if (/^tags?$/.test(entity)) return { on: 'tag', key, ...words(clause) }
  if (!/^(attributes?|attr|)$/.test(entity)) throw invalid(`Invalid entity type '${entity}' in the filter.`)
  const time = times[key]
  if (time) return { on: 'time', column: time, ...number(clause) }
  const column = texts[key]
  if (!column) throw invalid(`Invalid attribute key '${key}' specified.`)
  return { on: 'text', column, ...words(clause) }
}

function toOrder(order: input.Fields): runs.ModelOrder {
  const field = input.text(order, 'field_name', { path: 'order_by.field_name' })
  const descending = 'ascending' in order && !input.flag(order, 'ascending')
  const metric = /^metrics?\.(.+)$/.exec(field)?.[1]
  if (metric !== undefined) return { on: 'metric', key: metric, descending }
  const name = field.replace(/^attributes?\./, '')
  const column = times[name] ?? texts[name]
  if (!column) throw invalid(`Invalid order by field name: ${field}`)
  return { on: 'column', key: column, descending }
}
