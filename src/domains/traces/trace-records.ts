import type { Context } from '../../core/context.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import * as runs from '../runs/runs.ts'
import { type Assessment, toAssessment } from './assessment-records.ts'
import { append } from './events.ts'
import type { TracesTable } from './schema.ts'
import { millisecondsOfNanoseconds, type Span, statusOf, summarize, traceIdOf, typeOf } from './spans.ts'
import * as store from './store.ts'

export type TraceState = 'STATE_UNSPECIFIED' | 'OK' | 'ERROR' | 'IN_PROGRESS'

export type TraceInfo = {
  id: string
  experimentId: string
  at: number
  duration: number | null
  state: TraceState
  clientRequest: string | null
  requestPreview: string | null
  responsePreview: string | null
  metadata: Record<string, string>
  tags: Record<string, string>
}

export type TraceRecord = TraceInfo & { assessments: Assessment[] }

/** Tells clients that the spans are stored here, so that they do not upload them as a file as well. */
const spansHere = { 'mlflow.trace.spansLocation': 'TRACKING_STORE' }
const nameTag = 'mlflow.traceName'
const usageKey = 'mlflow.trace.tokenUsage'
const sessionKey = 'mlflow.trace.session'

/** Stores spans; a trace begins with its first span and grows as more arrive. */
export async function logSpans(
  ctx: Context,
  { experiment, spans }: { experiment: string; spans: Span[] },
): Promise<void> {
  await requireExperiment(ctx, experiment)
  const byTrace = Map.groupBy(spans, traceIdOf)
  await transaction(ctx, async (ctx) => {
    const known = new Map((await store.findTraces(ctx, [...byTrace.keys()])).map((row) => [row.id, row]))
    for (const [trace, own] of byTrace) {
      await store.saveSpans(
        ctx,
        own.map((span) => toRow(trace, span)),
      )
      const whole = known.has(trace) ? (await store.spansOf(ctx, [trace])).map(toSpan) : own
      await saveSummary(ctx, trace, runs.experimentNumber(experiment), known.get(trace), whole)
    }
  })
}

function toRow(trace: string, span: Span) {
  return {
    trace,
    span: span.spanId,
    parent: span.parentSpanId || null,
    name: span.name,
    type: typeOf(span),
    status: statusOf(span),
    start_ms: millisecondsOfNanoseconds(span.startTimeUnixNano),
    end_ms: span.endTimeUnixNano ? millisecondsOfNanoseconds(span.endTimeUnixNano) : null,
    content: span,
  }
}

const toSpan = ({ content }: store.SpanRecord): Span => content

async function saveSummary(
  ctx: Context,
  trace: string,
  experiment: number,
  known: TracesTable | undefined,
  spans: Span[],
): Promise<void> {
  const summary = summarize(spans)
  const ended = known !== undefined && known.state !== 'IN_PROGRESS' && known.state !== 'STATE_UNSPECIFIED'
  await store.saveTrace(ctx, {
    id: trace,
    experiment_id: known?.experiment_id ?? experiment,
    at: summary.at,
    duration: summary.end === undefined ? null : summary.end - summary.at,
    state: ended ? known.state : summary.state,
    client_request: known?.client_request ?? null,
    request_preview: known?.request_preview ?? summary.request ?? null,
    response_preview: known?.response_preview ?? summary.response ?? null,
  })
  const tags: Record<string, string> = {
    ...spansHere,
    ...(summary.name === undefined ? {} : { [nameTag]: summary.name }),
  }
  const metadata: Record<string, string> = {
    ...(Object.keys(summary.usage).length === 0 ? {} : { [usageKey]: JSON.stringify(summary.usage) }),
    ...(summary.session === undefined ? {} : { [sessionKey]: summary.session }),
  }
  await store.saveValues(ctx, [...values(trace, 'tag', tags), ...values(trace, 'metadata', metadata)])
}

function values(trace: string, kind: 'tag' | 'metadata', pairs: Record<string, string>) {
  return Object.entries(pairs).map(([key, value]) => ({ trace, kind, key, value }))
}

async function requireExperiment(ctx: Context, id: string): Promise<runs.ExperimentRecord> {
  const experiment = await runs.getExperiment(ctx, { id })
  if (experiment.deleted)
    throw invalidInput(`The experiment "${id}" is deleted.`, { name: id, hint: 'Restore it first.' })
  return experiment
}

/** Records what the client knows about a trace; it is sent at the trace's end, before or after its spans. */
export async function recordTrace(ctx: Context, info: TraceInfo): Promise<TraceRecord> {
  await requireExperiment(ctx, info.experimentId)
  return transaction(ctx, async (ctx) => {
    await store.saveTrace(ctx, {
      id: info.id,
      experiment_id: runs.experimentNumber(info.experimentId),
      at: info.at,
      duration: info.duration,
      state: info.state,
      client_request: info.clientRequest,
      request_preview: info.requestPreview,
      response_preview: info.responsePreview,
    })
    const here = (await store.spansOf(ctx, [info.id])).length > 0 ? spansHere : {}
    const tags = { ...info.tags, ...here }
    await store.saveValues(ctx, [...values(info.id, 'tag', tags), ...values(info.id, 'metadata', info.metadata)])
    return getTraceInfo(ctx, { trace: info.id })
  })
}

export async function getTraceInfo(ctx: Context, { trace }: { trace: string }): Promise<TraceRecord> {
  const [found] = await getTraceInfos(ctx, { traces: [trace] })
  if (!found) throw noTrace(trace)
  return found
}

export function noTrace(trace: string) {
  return notFound('Trace', trace, 'List them with "keel traces list".')
}

/** In the order asked for; unknown ones are left out. */
export async function getTraceInfos(ctx: Context, { traces }: { traces: readonly string[] }): Promise<TraceRecord[]> {
  const rows = new Map((await store.findTraces(ctx, traces)).map((row) => [row.id, row]))
  return withValues(
    ctx,
    traces.flatMap((id) => rows.get(id) ?? []),
  )
}

export async function withValues(ctx: Context, rows: readonly TracesTable[]): Promise<TraceRecord[]> {
  const ids = rows.map(({ id }) => id)
  const found = Map.groupBy(await store.valuesOf(ctx, ids), ({ trace }) => trace)
  const assessments = Map.groupBy(await store.assessmentsOf(ctx, ids), ({ trace }) => trace)
  return rows.map((row) => {
    const own = found.get(row.id) ?? []
    const pairs = (wanted: string) =>
      Object.fromEntries(own.filter(({ kind }) => kind === wanted).map(({ key, value }) => [key, value]))
    return {
      id: row.id,
      experimentId: String(row.experiment_id),
      at: row.at,
      duration: row.duration,
      state: row.state as TraceState,
      clientRequest: row.client_request,
      requestPreview: row.request_preview,
      responsePreview: row.response_preview,
      metadata: pairs('metadata'),
      tags: pairs('tag'),
      assessments: (assessments.get(row.id) ?? []).map(toAssessment),
    }
  })
}

export async function getSpans(ctx: Context, { traces }: { traces: readonly string[] }): Promise<Map<string, Span[]>> {
  const rows = Map.groupBy(await store.spansOf(ctx, traces), ({ trace }) => trace)
  return new Map(traces.map((trace) => [trace, (rows.get(trace) ?? []).map(toSpan)]))
}

export async function tagTrace(
  ctx: Context,
  { trace, tags }: { trace: string; tags: Record<string, string> },
): Promise<void> {
  await transaction(ctx, async (ctx) => {
    if (!(await store.findTrace(ctx, trace))) throw noTrace(trace)
    await store.saveValues(ctx, values(trace, 'tag', tags))
  })
}

export async function untagTrace(ctx: Context, { trace, key }: { trace: string; key: string }): Promise<void> {
  await transaction(ctx, async (ctx) => {
    if (!(await store.findTrace(ctx, trace))) throw noTrace(trace)
    if (!(await store.removeValue(ctx, trace, 'tag', key))) throw notFound('Tag', key)
  })
}

type Deletion = {
  experiment: string
  traces?: readonly string[]
  until?: number | undefined
  most?: number | undefined
}

/** Deletes by id, or the oldest up to a time; returns how many there were. */
export async function deleteTraces(ctx: Context, { experiment, traces, until, most }: Deletion): Promise<number> {
  if (traces === undefined && until === undefined)
    throw invalidInput('Say which traces: by id, or up to a time.', { name: 'max_timestamp_millis' })
  return transaction(ctx, async (ctx) => {
    const number = runs.experimentNumber(experiment)
    const ids = await store.tracesToDelete(ctx, { experiment: number, until, most, ...(traces ? { ids: traces } : {}) })
    await store.removeTraces(ctx, ids)
    if (ids.length > 0) await append(ctx, 'traces.deleted', `experiment/${experiment}`, { count: ids.length })
    return ids.length
  })
}

const maxLinks = 100

export async function linkTracesToRun(
  ctx: Context,
  { traces, run }: { traces: readonly string[]; run: string },
): Promise<void> {
  if (traces.length > maxLinks)
    throw invalidInput(`At most ${maxLinks} traces can be linked at once.`, { name: 'trace_ids' })
  await runs.getRunInfo(ctx, run)
  await transaction(ctx, (ctx) =>
    store.linkRun(
      ctx,
      traces.map((trace) => ({ trace, run })),
    ),
  )
}
