import type { Context } from '../../core/context.ts'
import { dateOf } from '../../core/tables/tables.ts'
import * as runs from '../../domains/runs/runs.ts'
import * as traces from '../../domains/traces/traces.ts'
import { call } from './call.ts'
import { invalid, missing, orSay } from './errors.ts'
import { noExperiment } from './experiments.ts'
import * as input from './input.ts'
import { filterCorrelation } from './trace-correlation.ts'
import { traceConditions, traceOrder } from './trace-search.ts'
import * as views from './trace-views.ts'
import { list } from './views.ts'

const v3 = { version: '3.0' } as const
const readingV3 = { version: '3.0', role: 'viewer' } as const
const maxTagLength = 8000

export const traceCalls = [
  call('POST traces', start, v3),
  call('GET traces/get', getWhole, v3),
  call('GET traces/batchGet', getMany, v3),
  call('POST traces/batchGetInfos', getInfos, readingV3),
  call('GET traces/batchGetInfos', getInfos, v3),
  call('POST traces/search', search, readingV3),
  call('POST traces/delete-traces', remove, v3),
  call('POST traces/calculate-filter-correlation', filterCorrelation, readingV3),
  call('GET traces/:trace_id', getInfo, v3),
  call('PATCH traces/:trace_id/tags', setTag, v3),
  call('DELETE traces/:trace_id/tags', deleteTag, v3),
  call('POST traces/delete-traces', remove),
  call('POST traces/link-to-run', linkToRun),
  call('POST traces/link-prompts', linkPrompts),
  call('PATCH traces/:trace_id/tags', setTag),
  call('DELETE traces/:trace_id/tags', deleteTag),
  call('GET traces', search),
]

const idPattern = /^tr-[A-Za-z0-9-]{1,64}$/

/** Never part of a path before it has been checked. */
export function traceId(fields: input.Fields, name = 'trace_id'): string {
  const id = input.text(fields, name)
  return idPattern.test(id) ? id : input.badValue(name, id)
}

export function noTrace(id: string) {
  return () => missing(`Trace with ID '${id}' not found.`)
}

function record(fields: input.Fields, name: string): input.Fields {
  return fields[name] === undefined || fields[name] === null ? {} : input.asFields(fields[name], name)
}

function textMap(fields: input.Fields, name: string, longest: number): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record(fields, name)).map(([key, value]) => {
      if (key.length > 250) input.badValue(`${name}.${key.slice(0, 50)}`, key, 'is longer than 250 characters')
      return [key, input.cut(input.optionalText({ value }, 'value', { path: `${name}.${key}` }) ?? '', longest)]
    }),
  )
}

function instant(fields: input.Fields, name: string): number {
  const value = input.text(fields, name)
  const at = dateOf(value).getTime()
  return Number.isFinite(at) ? at : input.badValue(name, value)
}

/** Protobuf's JSON of a duration: `1.250s`. */
function duration(fields: input.Fields, name: string): number | null {
  const value = input.optionalText(fields, name)
  if (!value) return null
  return /^\d{1,12}(\.\d{1,9})?s$/.test(value)
    ? Math.round(Number(value.slice(0, -1)) * 1000)
    : input.badValue(name, value)
}

const states = ['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS'] as const
const maxPreviewLength = 10_000

async function start(ctx: Context, fields: input.Fields) {
  const info = record(record(fields, 'trace'), 'trace_info')
  const experiment = input.text(record(record(info, 'trace_location'), 'mlflow_experiment'), 'experiment_id')
  const preview = (name: string) => input.optionalText(info, name)?.slice(0, maxPreviewLength) ?? null
  const made = traces.recordTrace(ctx, {
    id: traceId(info),
    experimentId: experiment,
    at: instant(info, 'request_time'),
    duration: duration(info, 'execution_duration'),
    state: input.choice(info, 'state', states) ?? 'STATE_UNSPECIFIED',
    clientRequest: input.optionalText(info, 'client_request_id', { max: 500 }) ?? null,
    requestPreview: preview('request_preview'),
    responsePreview: preview('response_preview'),
    metadata: textMap(info, 'trace_metadata', maxTagLength),
    tags: textMap(info, 'tags', maxTagLength),
  })
  return { trace: { trace_info: views.traceInfo(await orSay(made, 'not_found', noExperiment(experiment))) } }
}

async function getInfo(ctx: Context, fields: input.Fields) {
  const trace = traceId(fields)
  const info = await orSay(traces.getTraceInfo(ctx, { trace }), 'not_found', noTrace(trace))
  return { trace: { trace_info: views.traceInfo(info) } }
}

async function getWhole(ctx: Context, fields: input.Fields) {
  const trace = traceId(fields)
  const info = await orSay(traces.getTraceInfo(ctx, { trace }), 'not_found', noTrace(trace))
  const spans = (await traces.getSpans(ctx, { traces: [trace] })).get(trace) ?? []
  return { trace: { trace_info: views.traceInfo(info), ...list('spans', spans.map(views.span)) } }
}

const maxConcurrent = 500

function traceIds(fields: input.Fields): string[] {
  const ids = input.texts(fields, 'trace_ids')
  if (ids.length > maxConcurrent) throw invalid(`At most ${maxConcurrent} traces can be asked for at once.`)
  return ids.map((id) => traceId({ trace_ids: id }, 'trace_ids'))
}

async function getMany(ctx: Context, fields: input.Fields) {
  const ids = traceIds(fields)
  const [infos, spans] = [await traces.getTraceInfos(ctx, { traces: ids }), await traces.getSpans(ctx, { traces: ids })]
  return list(
    'traces',
    infos.map((info) => ({
      trace_info: views.traceInfo(info),
      ...list('spans', (spans.get(info.id) ?? []).map(views.span)),
    })),
  )
}

async function getInfos(ctx: Context, fields: input.Fields) {
  const infos = await traces.getTraceInfos(ctx, { traces: traceIds(fields) })
  return list('trace_infos', infos.map(views.traceInfo))
}

function experimentsOf(fields: input.Fields): string[] {
  const places = input.objects(fields, 'locations').map((place, index) => {
    const experiment = record(place, 'mlflow_experiment')
    return input.text(experiment, 'experiment_id', { path: `locations[${index}].mlflow_experiment.experiment_id` })
  })
  return places.length > 0 ? places : input.texts(fields, 'experiment_ids')
}

async function search(ctx: Context, fields: input.Fields) {
  const experiments = experimentsOf(fields)
  if (experiments.length === 0) throw invalid("Missing value for required parameter 'locations'.")
  const limit = input.maxResults(fields, { fallback: 100, max: 500 })
  const offset = input.offsetOf(input.pageToken(fields))
  const found = await traces.search(ctx, {
    experiments: experiments.map(runs.experimentNumber),
    conditions: traceConditions(input.optionalText(fields, 'filter')),
    order: traceOrder(input.texts(fields, 'order_by')),
    limit,
    offset,
  })
  return {
    ...list('traces', found.traces.map(views.traceInfo)),
    ...input.tokenOf(found.more ? String(offset + limit) : undefined),
  }
}

async function remove(ctx: Context, fields: input.Fields) {
  const experiment = input.text(fields, 'experiment_id')
  const asked = [...input.texts(fields, 'request_ids'), ...input.texts(fields, 'trace_ids')]
  const ids = asked.map((id) => traceId({ request_ids: id }, 'request_ids'))
  const until = input.optionalInteger(fields, 'max_timestamp_millis')
  const most = input.optionalInteger(fields, 'max_traces')
  if (most !== undefined && most < 1) input.badValue('max_traces', most)
  if (ids.length > 0 && (until !== undefined || most !== undefined))
    throw invalid('Either trace_ids, or max_timestamp_millis with max_traces, may be given.')
  const deleted = await traces.deleteTraces(ctx, {
    experiment,
    until,
    most,
    ...(ids.length > 0 ? { traces: ids } : {}),
  })
  return { traces_deleted: deleted }
}

async function setTag(ctx: Context, fields: input.Fields) {
  const trace = traceId(fields)
  const value = input.cut(input.optionalText(fields, 'value') ?? '', maxTagLength)
  const tags = { [input.text(fields, 'key', { max: 250 })]: value }
  await orSay(traces.tagTrace(ctx, { trace, tags }), 'not_found', noTrace(trace))
  return {}
}

async function deleteTag(ctx: Context, fields: input.Fields) {
  const trace = traceId(fields)
  const key = input.text(fields, 'key')
  await orSay(traces.untagTrace(ctx, { trace, key }), 'not_found', () =>
    missing(`No tag with key '${key}' in the trace '${trace}'.`),
  )
  return {}
}

async function linkToRun(ctx: Context, fields: input.Fields) {
  await traces.linkTracesToRun(ctx, { traces: traceIds(fields), run: input.runId(fields) })
  return {}
}

const promptsTag = 'mlflow.linkedPrompts'

async function linkPrompts(ctx: Context, fields: input.Fields) {
  const trace = traceId(fields)
  const given = input
    .objects(fields, 'prompt_versions')
    .map((prompt) => ({ name: input.text(prompt, 'name'), version: input.text(prompt, 'version') }))
  const info = await orSay(traces.getTraceInfo(ctx, { trace }), 'not_found', noTrace(trace))
  const known = JSON.parse(info.tags[promptsTag] ?? '[]') as { name: string; version: string }[]
  const all = [
    ...known,
    ...given.filter((one) => !known.some((old) => old.name === one.name && old.version === one.version)),
  ]
  // Spaced as Python writes it, for clients compare this text.
  const text = `[${all.map(({ name, version }) => `{"name": ${JSON.stringify(name)}, "version": ${JSON.stringify(version)}}`).join(', ')}]`
  await traces.tagTrace(ctx, { trace, tags: { [promptsTag]: text } })
  return {}
}
