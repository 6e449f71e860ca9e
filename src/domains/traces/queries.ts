import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { cursorNumber } from '../../core/paging.ts'
import { isoOf } from '../../core/tables/tables.ts'
import * as runs from '../runs/runs.ts'
import type { traces } from './contract.ts'
import { countTraces, searchTraces, type TraceQuery } from './search-store.ts'
import { millisecondsOfNanoseconds, plainAttributes, statusOf, typeOf } from './spans.ts'
import { deleteTraces, getSpans, getTraceInfo, type TraceRecord, withValues } from './trace-records.ts'

type Operations = typeof traces

type Trace = Output<Operations['get']>['trace']

export async function search(ctx: Context, query: TraceQuery): Promise<{ traces: TraceRecord[]; more: boolean }> {
  const { rows, more } = await searchTraces(ctx, query)
  return { traces: await withValues(ctx, rows), more }
}

export const count = countTraces

export async function list(
  ctx: Context,
  { experiment = '0', state, limit = 100, cursor }: Input<Operations['list']>,
): Promise<Output<Operations['list']>> {
  const { id } = await runs.getExperiment(ctx, /^\d+$/.test(experiment) ? { id: experiment } : { name: experiment })
  const offset = cursorNumber(cursor) ?? 0
  const found = await search(ctx, {
    experiments: [runs.experimentNumber(id)],
    conditions: state ? [{ on: 'attribute', key: 'state', text: { operator: '=', value: state } }] : [],
    limit,
    offset,
  })
  return { items: found.traces.map(toTrace), ...(found.more ? { next: String(offset + limit) } : {}) }
}

export async function get(ctx: Context, { trace }: Input<Operations['get']>): Promise<Output<Operations['get']>> {
  const info = await getTraceInfo(ctx, { trace })
  const spans = (await getSpans(ctx, { traces: [trace] })).get(trace) ?? []
  return {
    trace: toTrace(info),
    spans: spans.map((span) => {
      const start = millisecondsOfNanoseconds(span.startTimeUnixNano)
      return {
        id: span.spanId,
        parent: span.parentSpanId || null,
        name: span.name,
        type: typeOf(span),
        status: statusOf(span),
        startsAfter: Math.max(0, start - info.at),
        milliseconds: span.endTimeUnixNano ? millisecondsOfNanoseconds(span.endTimeUnixNano) - start : null,
        attributes: shown(plainAttributes(span.attributes)) as Record<string, unknown>,
      }
    }),
  }
}

export async function remove(
  ctx: Context,
  { trace }: Input<Operations['remove']>,
): Promise<Output<Operations['remove']>> {
  const { experimentId } = await getTraceInfo(ctx, { trace })
  return { deleted: await deleteTraces(ctx, { experiment: experimentId, traces: [trace] }) }
}

function toTrace(info: TraceRecord): Trace {
  return {
    id: info.id,
    experiment: info.experimentId,
    name: info.tags['mlflow.traceName'] ?? null,
    state: info.state,
    at: isoOf(info.at),
    milliseconds: info.duration,
    request: info.requestPreview,
    response: info.responsePreview,
    tags: info.tags,
    metadata: info.metadata,
  }
}

/** Integers beyond a double's digits as texts, for what reads this answer may hold no others. */
function shown(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shown(one)]))
}
