import type { Context } from '../../core/context.ts'
import { number, parseFilter, parseSort, words } from '../../core/search/search.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import * as runs from '../../domains/runs/runs.ts'
import * as traces from '../../domains/traces/traces.ts'
import { call } from './call.ts'
import { invalid, missing, orSay } from './errors.ts'
import * as input from './input.ts'
import { list } from './views.ts'

const v3 = { version: '3.0' } as const
const readingV3 = { version: '3.0', role: 'viewer' } as const
const maxTagLength = 5000

export const evaluationDatasetCalls = [
  call('POST datasets/create', create, v3),
  call('POST datasets/search', search, readingV3),
  call('GET datasets/search', search, v3),
  call('GET datasets/:dataset_id', get, v3),
  call('DELETE datasets/:dataset_id', remove, v3),
  call('PATCH datasets/:dataset_id/tags', setTags, v3),
  call('DELETE datasets/:dataset_id/tags/:key', deleteTag, v3),
  call('POST datasets/:dataset_id/records', saveRecords, v3),
  call('GET datasets/:dataset_id/records', listRecords, v3),
  call('DELETE datasets/:dataset_id/records', deleteRecords, v3),
  call('GET datasets/:dataset_id/experiment-ids', experimentIds, v3),
  call('POST datasets/:dataset_id/add-experiments', addExperiments, v3),
  call('POST datasets/:dataset_id/remove-experiments', removeExperiments, v3),
]

function datasetId(fields: input.Fields): string {
  const id = input.text(fields, 'dataset_id')
  return /^[A-Za-z0-9-]{1,64}$/.test(id) ? id : input.badValue('dataset_id', id)
}

function found<T>(id: string, lookup: Promise<T>): Promise<T> {
  return orSay(lookup, 'not_found', () => missing(`Evaluation dataset with id '${id}' not found`))
}

/** Some fields hold JSON as a text. */
function parsed(fields: input.Fields, name: string): unknown {
  const text = input.optionalText(fields, name)
  if (text === undefined || text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return input.badValue(name, text, 'it is not JSON')
  }
}

function tagsOf(fields: input.Fields): Record<string, string | null> {
  const given = input.asFields(parsed(fields, 'tags') ?? {}, 'tags')
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      if (key.length > 250) input.badValue('tags', key, 'is longer than 250 characters')
      return [
        key,
        value === null ? null : input.cut(typeof value === 'string' ? value : JSON.stringify(value), maxTagLength),
      ]
    }),
  )
}

function view(set: traces.ExampleSet) {
  return {
    dataset_id: set.id,
    name: set.name,
    tags: JSON.stringify(set.tags),
    schema: '{}',
    profile: JSON.stringify({ num_records: set.examples }),
    digest: set.digest,
    created_time: set.createdAt,
    last_update_time: set.updatedAt,
    ...(set.createdBy === null ? {} : { created_by: set.createdBy }),
    ...(set.updatedBy === null ? {} : { last_updated_by: set.updatedBy }),
    ...list('experiment_ids', set.experiments),
  }
}

async function create(ctx: Context, fields: input.Fields) {
  const tags = Object.entries(tagsOf(fields)).filter((entry): entry is [string, string] => entry[1] !== null)
  const made = await traces.createExampleSet(ctx, {
    name: input.text(fields, 'name', { max: 500 }),
    tags: Object.fromEntries(tags),
    experiments: input.texts(fields, 'experiment_ids'),
  })
  return { dataset: view(made) }
}

async function get(ctx: Context, fields: input.Fields) {
  const id = datasetId(fields)
  return { dataset: view(await found(id, traces.getExampleSet(ctx, { id }))) }
}

/** Clients delete what may be gone already. */
async function remove(ctx: Context, fields: input.Fields) {
  const id = datasetId(fields)
  await found(id, traces.deleteExampleSet(ctx, { id }))
  return {}
}

const sortable: Record<string, 'name' | 'created_at' | 'updated_at'> = {
  name: 'name',
  created_time: 'created_at',
  last_update_time: 'updated_at',
}

async function search(ctx: Context, fields: input.Fields) {
  const limit = input.maxResults(fields, { fallback: 1000, max: 1000 })
  const offset = input.offsetOf(input.pageToken(fields))
  const { sets, more } = await traces.searchExampleSets(ctx, {
    experiments: input.texts(fields, 'experiment_ids').map(runs.experimentNumber),
    conditions: parseFilter(input.optionalText(fields, 'filter_string')).map((clause): traces.SetCondition => {
      if (/^tags?$/i.test(clause.entity)) {
        if (clause.operator !== '=' && clause.operator !== '!=')
          throw invalid(`Invalid comparator '${clause.operator}' for a tag.`)
        return { on: 'tag', key: clause.key, ...words(clause) }
      }
      const column = sortable[clause.key]
      if (column && column !== 'name') return { on: 'time', key: column, ...number(clause) }
      if (column === undefined) throw invalid(`Invalid attribute key '${clause.key}' specified.`)
      return { on: 'name', ...words(clause) }
    }),
    order: input.texts(fields, 'order_by').map((text) => {
      const { key, descending } = parseSort(text)
      const column = sortable[key]
      if (!column) throw invalid(`Invalid order_by key '${key}' specified.`)
      return { column, descending }
    }),
    limit,
    offset,
  })
  return { ...list('datasets', sets.map(view)), ...input.tokenOf(more ? String(offset + limit) : undefined) }
}

async function setTags(ctx: Context, fields: input.Fields) {
  const id = datasetId(fields)
  return { dataset: view(await found(id, traces.tagExampleSet(ctx, { id, tags: tagsOf(fields) }))) }
}

async function deleteTag(ctx: Context, fields: input.Fields) {
  const id = datasetId(fields)
  await found(id, traces.tagExampleSet(ctx, { id, tags: { [input.text(fields, 'key')]: null } }))
  return {}
}

function optionalObject(fields: input.Fields, name: string, path: string): Record<string, unknown> | undefined {
  const value = fields[name]
  return value === undefined || value === null ? undefined : input.asFields(value, path)
}

async function saveRecords(ctx: Context, fields: input.Fields) {
  const id = datasetId(fields)
  const records = parsed(fields, 'records')
  if (!Array.isArray(records)) throw invalid("Missing value for required parameter 'records'.")
  const examples = records.map((value: unknown, index): traces.ExampleContent => {
    const path = `records[${index}]`
    const record = input.asFields(value, path)
    const [expectations, tags, source] = (['expectations', 'tags', 'source'] as const).map((name) =>
      optionalObject(record, name, `${path}.${name}`),
    )
    return withoutUndefined({
      inputs: input.asFields(record['inputs'] ?? {}, `${path}.inputs`),
      outputs: record['outputs'] ?? undefined,
      expectations,
      tags,
      source,
    })
  })
  const { inserted, updated } = await found(id, traces.saveExamples(ctx, { id, examples }))
  return { inserted_count: inserted, updated_count: updated }
}

function recordView({ id, set, createdAt, updatedAt, ...content }: traces.Example) {
  return {
    dataset_record_id: id,
    dataset_id: set,
    created_time: createdAt,
    last_update_time: updatedAt,
    ...content,
    ...sourceView(content.source),
  }
}

function sourceView(source: Record<string, unknown> | undefined) {
  if (!source) return {}
  const data = source['source_data'] as Record<string, unknown> | undefined
  const trace = data?.['trace_id']
  return { source, source_type: source['source_type'], ...(typeof trace === 'string' ? { source_id: trace } : {}) }
}

async function listRecords(ctx: Context, fields: input.Fields) {
  const id = datasetId(fields)
  const limit = input.maxResults(fields, { fallback: 1000, max: 1000 })
  const { examples, next } = await found(id, traces.listExamples(ctx, { id, limit, cursor: input.pageToken(fields) }))
  return { records: JSON.stringify(examples.map(recordView)), ...input.tokenOf(next) }
}

async function deleteRecords(ctx: Context, fields: input.Fields) {
  const id = datasetId(fields)
  const ids = input.texts(fields, 'dataset_record_ids')
  return { deleted_count: await found(id, traces.deleteExamples(ctx, { id, examples: ids })) }
}

async function experimentIds(ctx: Context, fields: input.Fields) {
  const id = datasetId(fields)
  return list('experiment_ids', (await found(id, traces.getExampleSet(ctx, { id }))).experiments)
}

async function addExperiments(ctx: Context, fields: input.Fields) {
  const [id, experiments] = [datasetId(fields), input.texts(fields, 'experiment_ids')]
  return { dataset: view(await traces.addToExperiments(ctx, { id, experiments })) }
}

async function removeExperiments(ctx: Context, fields: input.Fields) {
  const [id, experiments] = [datasetId(fields), input.texts(fields, 'experiment_ids')]
  return { dataset: view(await found(id, traces.removeFromExperiments(ctx, { id, experiments }))) }
}
