import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { invalidCursor, nextOf } from '../../core/paging.ts'
import type { runs } from './contract.ts'
import { flushJournal } from './metric-journal.ts'
import * as store from './metrics-store.ts'
import { fromStored, toJsonNumber, toTime } from './rules.ts'
import { requireRun } from './run-records.ts'
import type { MetricsTable } from './schema.ts'

type Operations = typeof runs

export type MetricPoint = { key: string; value: number; step: number; at: number }

export async function metricHistory(
  ctx: Context,
  { run, key, limit = 100, cursor }: Input<Operations['metricHistory']>,
): Promise<Output<Operations['metricHistory']>> {
  await flushJournal(ctx)
  const { number } = await requireRun(ctx, run)
  const rows = await store.historyBySteps(ctx, { run: number, key, after: position(cursor), limit })
  return {
    items: rows.map(toPoint).map(({ value, step, at }) => ({ key, value: toJsonNumber(value), step, at: toTime(at) })),
    ...nextOf(rows, limit, cursorOf),
  }
}

/** In order of time, then step, then value. */
export async function pointsByTime(
  ctx: Context,
  { run, key, limit, cursor }: { run: string; key: string; limit: number; cursor?: string | undefined },
): Promise<{ points: MetricPoint[]; next: string | undefined }> {
  await flushJournal(ctx)
  const { number } = await requireRun(ctx, run)
  const rows = await store.historyByTime(ctx, { run: number, key, after: position(cursor), limit: limit + 1 })
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return { points: shown.map(toPoint), next: last && cursorOf(last) }
}

type Interval = { run: string; key: string; from: number | undefined; to: number | undefined; count: number }

/** At most `count` points spread evenly over the steps of an interval, the first and the last among them. */
export async function samplePoints(ctx: Context, { run, key, from, to, count }: Interval): Promise<MetricPoint[]> {
  await flushJournal(ctx)
  const { number } = await requireRun(ctx, run)
  const lowest = from ?? -Number.MAX_SAFE_INTEGER
  const first = await store.pointFrom(ctx, { run: number, key, step: lowest })
  const last = await store.lastPoint(ctx, { run: number, key, step: to ?? Number.MAX_SAFE_INTEGER })
  if (!first || !last || first.step > last.step) return []
  const start = first.step
  const width = last.step - start
  const found: MetricPoint[] = []
  for (let i = 0; i < count - 1; i++) {
    const wanted = start + Math.floor((width * i) / Math.max(count - 1, 1))
    const step = Math.max(wanted, (found.at(-1)?.step ?? start - 1) + 1)
    if (step >= last.step) break
    const row = await store.pointFrom(ctx, { run: number, key, step })
    if (!row || row.step >= last.step) break
    found.push(toPoint(row))
  }
  return [...found, toPoint(last)]
}

function position(cursor: string | undefined): { step: number; at: number; value: number } | undefined {
  if (cursor === undefined) return undefined
  const [step, at, value] = cursor.split('~').map(Number)
  if (step === undefined || at === undefined || value === undefined || [step, at, value].some(Number.isNaN))
    throw invalidCursor(cursor)
  return { step, at, value }
}

function cursorOf({ step, at, value }: MetricsTable): string {
  return `${step}~${at}~${value}`
}

function toPoint({ key, value, special, step, at }: MetricsTable): MetricPoint {
  return { key, value: fromStored({ value, special }), step: Number(step), at: Number(at) }
}
