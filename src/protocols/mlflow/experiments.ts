import type { Context } from '../../core/context.ts'
import { number, parseFilter, parseSort, words } from '../../core/search/search.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import * as runs from '../../domains/runs/runs.ts'
import { call, reading } from './call.ts'
import { exists, invalid, missing, orSay } from './errors.ts'
import * as input from './input.ts'
import { checkLocation } from './locations.ts'
import * as views from './views.ts'

const maxTagLength = 5000

export const experimentCalls = [
  call('POST experiments/create', createExperiment),
  call('GET experiments/get', getExperiment),
  call('GET experiments/get-by-name', getByName),
  call('POST experiments/search', search, reading),
  call('GET experiments/search', search),
  call('POST experiments/delete', remove),
  call('POST experiments/restore', restore),
  call('POST experiments/update', rename),
  call('POST experiments/set-experiment-tag', setTag),
  call('POST experiments/delete-experiment-tag', deleteTag),
]

async function createExperiment(ctx: Context, fields: input.Fields) {
  const name = input.text(fields, 'name', { max: 500 })
  const location = input.optionalText(fields, 'artifact_location', { max: 2048 })
  if (location) checkLocation(ctx, location)
  const tags = input.tags(fields, 'tags', maxTagLength)
  const made = runs.recordExperiment(ctx, withoutUndefined({ name, tags, location: location || undefined }))
  const { id } = await orSay(made, 'conflict', () => exists(`Experiment(name=${name}) already exists.`))
  return { experiment_id: id }
}

function experimentId(fields: input.Fields): string {
  return input.text(fields, 'experiment_id')
}

export function noExperiment(id: string) {
  return () => missing(`No Experiment with id=${id} exists`)
}

async function getExperiment(ctx: Context, fields: input.Fields) {
  const id = experimentId(fields)
  const found = await orSay(runs.getExperiment(ctx, { id }), 'not_found', noExperiment(id))
  return { experiment: views.experiment(found) }
}

async function getByName(ctx: Context, fields: input.Fields) {
  const name = input.text(fields, 'experiment_name')
  const found = await orSay(runs.getExperiment(ctx, { name }), 'not_found', () =>
    missing(`Could not find experiment with name '${name}'`),
  )
  return { experiment: views.experiment(found) }
}

async function search(ctx: Context, fields: input.Fields) {
  const limit = input.maxResults(fields, { fallback: 1000, max: 50_000 })
  const offset = input.offsetOf(input.pageToken(fields))
  const found = await runs.searchExperiments(ctx, {
    view: view(fields, 'view_type'),
    conditions: parseFilter(input.optionalText(fields, 'filter')).map((clause) => {
      if (/^tags?$/i.test(clause.entity)) return { on: 'tag' as const, key: clause.key, ...words(clause) }
      if (!/^(attributes?|attr|)$/i.test(clause.entity)) throw invalid(`Invalid entity type '${clause.entity}'.`)
      if (clause.key === 'name' || clause.key === 'experiment_name') return { on: 'name' as const, ...words(clause) }
      const column = times[clause.key]
      if (!column) throw invalid(`Invalid attribute key '${clause.key}' specified.`)
      return { on: 'time' as const, column, ...number(clause) }
    }),
    order: input.texts(fields, 'order_by').map((text) => {
      const { key, descending } = parseSort(text)
      const column = key === 'name' ? ('name' as const) : key === 'experiment_id' ? ('id' as const) : times[key]
      if (!column) throw invalid(`Invalid order_by key '${key}' specified.`)
      return { column, descending }
    }),
    limit,
    offset,
  })
  return {
    ...views.list('experiments', found.experiments.map(views.experiment)),
    ...input.tokenOf(found.more ? String(offset + limit) : undefined),
  }
}

const times: Record<string, 'created_at' | 'updated_at'> = {
  creation_time: 'created_at',
  last_update_time: 'updated_at',
}

const shown = { ACTIVE_ONLY: 'active', DELETED_ONLY: 'deleted', ALL: 'all' } as const

export function view(fields: input.Fields, name: string): 'active' | 'deleted' | 'all' {
  return shown[input.choice(fields, name, ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']) ?? 'ACTIVE_ONLY']
}

async function remove(ctx: Context, fields: input.Fields) {
  const id = experimentId(fields)
  if (id === '0') throw invalid('The default experiment cannot be deleted.')
  await orSay(runs.deleteExperiment(ctx, { id }), 'not_found', noExperiment(id))
  return {}
}

async function restore(ctx: Context, fields: input.Fields) {
  const id = experimentId(fields)
  await orSay(runs.restoreExperiment(ctx, { id }), 'not_found', noExperiment(id))
  return {}
}

async function rename(ctx: Context, fields: input.Fields) {
  const id = experimentId(fields)
  const name = input.text(fields, 'new_name', { max: 500 })
  await orSay(runs.renameExperiment(ctx, { id, name }), 'not_found', noExperiment(id))
  return {}
}

async function setTag(ctx: Context, fields: input.Fields) {
  const id = experimentId(fields)
  const value = input.cut(input.optionalText(fields, 'value') ?? '', maxTagLength)
  await orSay(runs.tagExperiment(ctx, { id, key: input.key(fields), value }), 'not_found', noExperiment(id))
  return {}
}

async function deleteTag(ctx: Context, fields: input.Fields) {
  const id = experimentId(fields)
  await orSay(runs.getExperiment(ctx, { id }), 'not_found', noExperiment(id))
  await runs.untagExperiment(ctx, { id, key: input.text(fields, 'key') })
  return {}
}
