import type { Context } from '../../core/context.ts'
import { AppError } from '../../core/errors.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import * as runs from '../../domains/runs/runs.ts'
import { call } from './call.ts'
import { invalid } from './errors.ts'
import * as input from './input.ts'
import { onRun } from './run-calls.ts'
import * as views from './views.ts'

const longest = { param: 6000, tag: 8000 }
const historyCap = 25_000

export const loggingCalls = [
  call('POST runs/log-metric', logMetric),
  call('POST runs/log-parameter', logParam),
  call('POST runs/log-batch', logBatch),
  call('POST runs/log-inputs', logInputs),
  call('POST runs/outputs', logOutputs),
  call('POST runs/log-model', logModel),
  call('GET metrics/get-history', history),
  call('GET metrics/get-history-bulk-interval', bulkInterval),
]

function point(fields: input.Fields, path: string): runs.Point {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  const model = input.optionalText(fields, 'model_id')
  const name = input.optionalText(fields, 'dataset_name')
  return withoutUndefined({
    key: input.key(fields, path === '' ? 'key' : at('name')),
    value: input.double(fields, 'value', at('value')),
    at: input.integer(fields, 'timestamp', at('timestamp')),
    step: input.optionalInteger(fields, 'step', at('step')) ?? 0,
    model: model || undefined,
    dataset: name ? { name, digest: input.optionalText(fields, 'dataset_digest') ?? '' } : undefined,
  })
}

function param(fields: input.Fields, path: string): { key: string; value: string } {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  return {
    key: input.key(fields, at('key')),
    value: input.cut(input.optionalText(fields, 'value', { path: at('value') }) ?? '', longest.param),
  }
}

async function log(ctx: Context, batch: runs.Batch): Promise<object> {
  await onRun(batch.run, runs.log(ctx, batch)).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'invalid_input') throw error
    throw invalid(`Changing param values is not allowed. ${error.message}`)
  })
  return {}
}

function logMetric(ctx: Context, fields: input.Fields) {
  return log(ctx, { run: input.runId(fields), metrics: [point(fields, '')] })
}

function logParam(ctx: Context, fields: input.Fields) {
  const { key, value } = param(fields, '')
  return log(ctx, { run: input.runId(fields), params: { [key]: value } })
}

function logBatch(ctx: Context, fields: input.Fields) {
  const metrics = input.objects(fields, 'metrics')
  const params = input.objects(fields, 'params')
  const tags = input.objects(fields, 'tags')
  checkCount('metrics', metrics.length, 1000)
  checkCount('params', params.length, 100)
  checkCount('tags', tags.length, 100)
  const total = metrics.length + params.length + tags.length
  if (total > 1000)
    throw invalid(
      `A batch logging request can contain at most 1000 metrics, params, and tags. Got ${total} metrics, params, and tags. Please split up requests and try again.`,
    )
  const given: Record<string, string> = {}
  for (const [index, fields] of params.entries()) {
    const { key, value } = param(fields, `params[${index}]`)
    if (key in given) throw invalid(`Duplicate parameter keys have been submitted: ${key}. Param keys must be unique.`)
    given[key] = value
  }
  return log(ctx, {
    run: input.runId(fields),
    metrics: metrics.map((fields, index) => point(fields, `metrics[${index}]`)),
    params: given,
    tags: input.tags(fields, 'tags', longest.tag),
  })
}

function checkCount(name: string, count: number, max: number): void {
  if (count > max)
    throw invalid(
      `A batch logging request can contain at most ${max} ${name}. Got ${count} ${name}. Please split up ${name} across multiple requests and try again.`,
    )
}

async function logInputs(ctx: Context, fields: input.Fields) {
  const run = input.runId(fields)
  const datasets = input.objects(fields, 'datasets').map((entry, index) => {
    const path = `datasets[${index}].dataset`
    const dataset = input.asFields(entry['dataset'], path)
    return {
      tags: input.toPairs(input.tags(entry, 'tags', longest.tag)),
      dataset: {
        name: input.text(dataset, 'name', { max: 500, path: `${path}.name` }),
        digest: input.text(dataset, 'digest', { max: 36, path: `${path}.digest` }),
        sourceType: input.text(dataset, 'source_type', { path: `${path}.source_type` }),
        source: input.text(dataset, 'source', { max: 65_535, path: `${path}.source` }),
        schema: input.optionalText(dataset, 'schema', { max: 1_048_575, path: `${path}.schema` }) ?? null,
        profile: input.optionalText(dataset, 'profile', { max: 16_777_215, path: `${path}.profile` }) ?? null,
      },
    }
  })
  const models = input
    .objects(fields, 'models')
    .map((model, index) => input.text(model, 'model_id', { path: `models[${index}].model_id` }))
  await onRun(run, runs.logInputs(ctx, { run, datasets, models }))
  return {}
}

async function logOutputs(ctx: Context, fields: input.Fields) {
  const run = input.runId(fields)
  const models = input.objects(fields, 'models').map((model, index) => ({
    model: input.text(model, 'model_id', { path: `models[${index}].model_id` }),
    step: input.optionalInteger(model, 'step') ?? 0,
  }))
  await onRun(run, runs.logOutputs(ctx, { run, models }))
  return {}
}

const modelHistory = 'mlflow.log-model.history'

/** The way of old clients: a list of models in a tag. */
async function logModel(ctx: Context, fields: input.Fields) {
  const run = input.runId(fields)
  const text = input.text(fields, 'model_json')
  const model = parseObject(text)
  for (const name of ['artifact_path', 'flavors', 'utc_time_created', 'run_id'])
    if (!(name in model)) throw invalid(`Model json is missing mandatory fields: ${name}`)
  const { tags } = await onRun(run, runs.getRecord(ctx, run))
  const known = tags.find(({ key }) => key === modelHistory)?.value
  const history = known === undefined ? [] : (JSON.parse(known) as unknown[])
  return log(ctx, { run, tags: { [modelHistory]: JSON.stringify([...history, model]) } })
}

function parseObject(text: string): input.Fields {
  try {
    return input.asFields(JSON.parse(text), 'model_json')
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw invalid('Malformed model info: model_json is not JSON.')
  }
}

async function history(ctx: Context, fields: input.Fields) {
  const run = input.runId(fields)
  const key = input.text(fields, 'metric_key')
  const limit = input.maxResults(fields, { fallback: historyCap, max: historyCap })
  const cursor = input.pageToken(fields)
  const { points, next } = await onRun(run, runs.pointsByTime(ctx, { run, key, limit, cursor }))
  return { ...views.list('metrics', points.map(views.metric)), ...input.tokenOf(next) }
}

async function bulkInterval(ctx: Context, fields: input.Fields) {
  const ids = input.texts(fields, 'run_ids')
  const key = input.text(fields, 'metric_key')
  if (ids.length === 0 || ids.length > 100)
    throw invalid(`GetMetricHistoryBulkInterval request must specify between 1 and 100 run_ids.`)
  const from = input.optionalInteger(fields, 'start_step')
  const to = input.optionalInteger(fields, 'end_step')
  if ((from === undefined) !== (to === undefined))
    throw invalid('If either start step or end step are specified, both must be specified.')
  if (from !== undefined && to !== undefined && from > to)
    throw invalid(`end_step must be greater than start_step. Found start_step=${from} and end_step=${to}.`)
  const count = input.optionalInteger(fields, 'max_results') ?? 320
  if (count < 1 || count > 2500) throw invalid('max_results must be between 1 and 2500.')
  const found: object[] = []
  for (const run of ids) {
    const points = await onRun(run, runs.samplePoints(ctx, { run, key, from, to, count }))
    found.push(...points.map((point) => ({ ...views.metric(point), run_id: run })))
  }
  return views.list('metrics', found)
}
