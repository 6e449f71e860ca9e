import type { Context } from '../../core/context.ts'
import { invalidInput } from '../../core/errors.ts'
import * as store from './metrics-store.ts'
import type { Condition } from './search-store.ts'

export type Aggregation = {
  type: 'COUNT' | 'SUM' | 'AVG' | 'PERCENTILE' | 'MIN' | 'MAX'
  percentile: number | undefined
}

export type MetricsQuery = {
  experiments: number[]
  view: 'TRACES' | 'SPANS' | 'ASSESSMENTS'
  metric: string
  aggregations: Aggregation[]
  dimensions: string[]
  conditions: Condition[]
  /** Must equal the dimension of a row: `span_name`, `assessment_name` and so on. */
  equal: { dimension: string; value: string }[]
  from: number | undefined
  to: number | undefined
  bucketSeconds: number | undefined
}

export type MetricPoint = { dimensions: Record<string, string>; values: Record<string, number> }

const metrics: Record<MetricsQuery['view'], Record<string, (row: store.MetricRow) => number | undefined>> = {
  TRACES: {
    trace_count: () => 1,
    latency: ({ duration }) => duration,
    ...Object.fromEntries(
      ['input_tokens', 'output_tokens', 'total_tokens'].map((key) => [key, (row: store.MetricRow) => row.usage?.[key]]),
    ),
  },
  SPANS: { span_count: () => 1, latency: ({ duration }) => duration },
  ASSESSMENTS: { assessment_count: () => 1, assessment_value: ({ score }) => score },
}

const maxRows = 200_000

/** Counts and durations (milliseconds) of traces, spans and assessments, by dimension and by span of time. */
export async function traceMetrics(ctx: Context, query: MetricsQuery): Promise<MetricPoint[]> {
  const measure = metrics[query.view][query.metric]
  if (!measure)
    throw invalidInput(`"${query.metric}" is not a metric of ${query.view.toLowerCase()}.`, {
      name: query.metric,
      hint: `Use one of: ${Object.keys(metrics[query.view]).join(', ')}.`,
    })
  const rows = await store.metricRows(ctx, { ...query, limit: maxRows + 1 })
  if (rows.length > maxRows)
    throw invalidInput(`More than ${maxRows} rows would be read.`, {
      name: 'start_time_ms',
      hint: 'Choose a shorter time.',
    })
  const kept = rows.filter((row) => query.equal.every(({ dimension, value }) => row.dimensions[dimension] === value))
  const groups = Map.groupBy(kept, (row) => JSON.stringify(dimensionsOf(row, query)))
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, members]) => {
      const values = members.flatMap((row) => measure(row) ?? [])
      return { dimensions: JSON.parse(key) as Record<string, string>, values: aggregate(values, query.aggregations) }
    })
}

function dimensionsOf(row: store.MetricRow, { dimensions, bucketSeconds }: MetricsQuery): Record<string, string> {
  const bucket = bucketSeconds === undefined ? undefined : bucketSeconds * 1000
  return {
    ...(bucket === undefined ? {} : { time_bucket: new Date(Math.floor(row.at / bucket) * bucket).toISOString() }),
    ...Object.fromEntries(
      dimensions.flatMap((name) => (row.dimensions[name] === undefined ? [] : [[name, row.dimensions[name]]])),
    ),
  }
}

export function nameOf({ type, percentile = 0 }: Aggregation): string {
  return type === 'PERCENTILE' ? `P${Number.isInteger(percentile) ? percentile.toFixed(1) : percentile}` : type
}

function aggregate(values: number[], aggregations: Aggregation[]): Record<string, number> {
  const sorted = values.toSorted((a, b) => a - b)
  const sum = values.reduce((total, value) => total + value, 0)
  const found: Record<string, number> = {}
  for (const aggregation of aggregations) {
    if (aggregation.type === 'COUNT') found['COUNT'] = values.length
    else if (values.length === 0) continue
    else if (aggregation.type === 'SUM') found['SUM'] = sum
    else if (aggregation.type === 'AVG') found['AVG'] = sum / values.length
    else if (aggregation.type === 'MIN') found['MIN'] = sorted[0] ?? 0
    else if (aggregation.type === 'MAX') found['MAX'] = sorted.at(-1) ?? 0
    else found[nameOf(aggregation)] = percentileOf(sorted, aggregation.percentile ?? 50)
  }
  return found
}

/** Linear between the two nearest ranks: Hyndman and Fan's type 7, and SQL's percentile_cont. */
export function percentileOf(sorted: readonly number[], percentile: number): number {
  const at = ((sorted.length - 1) * percentile) / 100
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN]
  return low + (high - low) * (at - Math.floor(at))
}
