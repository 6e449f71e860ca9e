import { sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import { type Condition, matching } from './search-store.ts'

export type MetricRow = {
  at: number
  duration: number | undefined
  score: number | undefined
  usage: Record<string, number> | undefined
  dimensions: Record<string, string>
}

type Query = {
  experiments: number[]
  view: 'TRACES' | 'SPANS' | 'ASSESSMENTS'
  conditions: Condition[]
  from: number | undefined
  to: number | undefined
  limit: number
}

type Row = Record<string, string | number | null>

export async function metricRows(ctx: Context, query: Query): Promise<MetricRow[]> {
  const { experiments, from, to, limit } = query
  if (experiments.length === 0) return []
  const times: Condition[] = [
    ...(from === undefined ? [] : [{ on: 'number', key: 'at', operator: '>=', value: from } as const]),
    ...(to === undefined ? [] : [{ on: 'number', key: 'at', operator: '<=', value: to } as const]),
  ]
  const where = matching({ experiments, conditions: [...query.conditions, ...times] })
  if (query.view === 'SPANS') {
    const found = sql<Row>`select traces.at, s.end_ms - s.start_ms as duration, s.name, s.type, s.status
      from traces join trace_spans s on s.trace = traces.id where ${where} limit ${limit}`
    return (await found.execute(ctx.db)).rows.map((row) =>
      toRow(row, { span_name: row['name'], span_type: row['type'], span_status: row['status'] }),
    )
  }
  if (query.view === 'ASSESSMENTS') {
    const found = sql<Row>`select traces.at, a.name, a.value from traces join trace_assessments a on a.trace = traces.id and a.valid = 1
      where ${where} limit ${limit}`
    return (await found.execute(ctx.db)).rows.map((row) => ({
      ...toRow(row, { assessment_name: row['name'], assessment_value: row['value'] }),
      score: scoreOf(String(row['value'])),
    }))
  }
  const found = sql<Row>`select traces.at, traces.duration, traces.state,
      (select v.value from trace_values v where v.trace = traces.id and v.kind = 'tag' and v.key = 'mlflow.traceName') as name,
      (select v.value from trace_values v where v.trace = traces.id and v.kind = 'metadata' and v.key = 'mlflow.trace.tokenUsage') as usage
    from traces where ${where} limit ${limit}`
  return (await found.execute(ctx.db)).rows.map((row) => ({
    ...toRow(row, { trace_name: row['name'], trace_status: row['state'] }),
    usage: row['usage'] ? (JSON.parse(String(row['usage'])) as Record<string, number>) : undefined,
  }))
}

function toRow(row: Row, dimensions: Record<string, string | number | null | undefined>): MetricRow {
  return {
    at: Number(row['at']),
    duration: row['duration'] === null || row['duration'] === undefined ? undefined : Number(row['duration']),
    score: undefined,
    usage: undefined,
    dimensions: Object.fromEntries(
      Object.entries(dimensions).flatMap(([name, value]) =>
        value === null || value === undefined ? [] : [[name, String(value)]],
      ),
    ),
  }
}

/** A value as a number: yes and no are 1 and 0, other words none. */
function scoreOf(value: string): number | undefined {
  if (/^"?(true|yes)"?$/i.test(value)) return 1
  if (/^"?(false|no)"?$/i.test(value)) return 0
  const number = Number(value)
  return value.trim() !== '' && Number.isFinite(number) ? number : undefined
}
