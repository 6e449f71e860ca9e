import type { Context } from '../../core/context.ts'
import { type Clause, parseFilter } from '../../core/search/search.ts'
import * as runs from '../../domains/runs/runs.ts'
import * as traces from '../../domains/traces/traces.ts'
import { call } from './call.ts'
import { invalid } from './errors.ts'
import * as input from './input.ts'
import { traceConditions } from './trace-search.ts'
import { list } from './views.ts'

const views = ['TRACES', 'SPANS', 'ASSESSMENTS'] as const
const aggregations = ['COUNT', 'SUM', 'AVG', 'PERCENTILE', 'MIN', 'MAX'] as const

export const traceMetricCalls = [call('POST traces/metrics', query, { version: '3.0', role: 'viewer' })]

async function query(ctx: Context, fields: input.Fields) {
  const view = input.choice(fields, 'view_type', views) ?? 'TRACES'
  const metric = input.text(fields, 'metric_name')
  const offset = input.offsetOf(input.pageToken(fields))
  const limit = input.maxResults(fields, { fallback: 1000, max: 10_000 })
  const bucket = input.optionalInteger(fields, 'time_interval_seconds')
  if (bucket !== undefined && bucket < 1) input.badValue('time_interval_seconds', bucket)
  const filters = input.texts(fields, 'filters')
  const equal = filters.flatMap((filter) => parseFilter(filter).flatMap(equality))
  const ofTraces = filters.filter((filter) => /^\s*trace\./i.test(filter))
  const found = await traces.traceMetrics(ctx, {
    experiments: input.texts(fields, 'experiment_ids').map(runs.experimentNumber),
    view,
    metric,
    aggregations: input.objects(fields, 'aggregations').map((one) => ({
      type: input.choice(one, 'aggregation_type', aggregations) ?? 'COUNT',
      percentile: one['percentile_value'] === undefined ? undefined : percentile(one),
    })),
    dimensions: input.texts(fields, 'dimensions'),
    conditions: ofTraces.flatMap((filter) => traceConditions(inWordsOfSearch(filter))),
    equal,
    from: input.optionalInteger(fields, 'start_time_ms'),
    to: input.optionalInteger(fields, 'end_time_ms'),
    bucketSeconds: bucket,
  })
  const shown = found.slice(offset, offset + limit).map((point) => ({ metric_name: metric, ...point }))
  return {
    ...list('data_points', shown),
    ...input.tokenOf(found.length > offset + limit ? String(offset + limit) : undefined),
  }
}

function percentile(fields: input.Fields): number {
  const value = input.double(fields, 'percentile_value')
  return value >= 0 && value <= 100 ? value : input.badValue('percentile_value', value)
}

/** `trace.tag.x` is `tag.x` in a search. */
function inWordsOfSearch(filter: string): string {
  return filter.replaceAll(/\btrace\.(tag|metadata)\./gi, '$1.')
}

/** `span.name = 'x'`, `assessment.name = 'x'`: what the row itself must be. */
function equality(clause: Clause): { dimension: string; value: string }[] {
  if (clause.entity === 'trace') return []
  if (clause.entity !== 'span' && clause.entity !== 'assessment')
    throw invalid(`Invalid entity type '${clause.entity}' in a filter of metrics.`)
  if (clause.operator !== '=') throw invalid(`Invalid comparator '${clause.operator}': metrics are filtered by =.`)
  return [{ dimension: `${clause.entity}_${clause.key}`, value: String(clause.value) }]
}
