import { type Context, liveValue } from '../../core/context.ts'
import type { Input } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { groupCommit } from '../../core/group-commit.ts'
import { dateOf } from '../../core/tables/tables.ts'
import type { runs } from './contract.ts'
import { insertRows, paramsOf, type Rows, runsById } from './logging-store.ts'
import { appendToJournal } from './metric-journal.ts'
import { checkActive, checkParam, toStored } from './rules.ts'
import type { RunsTable } from './schema.ts'
import * as store from './store.ts'

/** What one call logs to one run. Numbers may be NaN or infinite; times are epoch milliseconds. */
export type Batch = {
  run: string
  metrics?: Point[]
  params?: Record<string, string>
  tags?: Record<string, string>
}

export type Point = {
  key: string
  value: number
  step: number
  at: number
  /** The logged model that the number also belongs to, and the dataset it was measured on. */
  model?: string
  dataset?: { name: string; digest: string }
}

/** The tag in which clients of MLflow keep the name of a run: the two are one value. */
export const nameTag = 'mlflow.runName'

/** Batches that arrive together are committed together, so that callers share one write to disk. */
const writer = (ctx: Context) => liveValue(ctx, 'runs.writer', () => groupCommit<Batch>(ctx, writeBatches))

export async function logBatch(
  ctx: Context,
  { run, metrics = [], params = {}, tags = {} }: Input<(typeof runs)['logBatch']>,
): Promise<Record<string, never>> {
  const now = ctx.now()
  await log(ctx, {
    run,
    params,
    tags,
    metrics: metrics.map(({ key, value, step = 0, at }) => ({
      key,
      value: value ?? Number.NaN,
      step,
      at: (at === undefined ? now : dateOf(at)).getTime(),
    })),
  })
  return {}
}

/** Logs all or nothing; on disk when the promise resolves. */
export async function log(ctx: Context, batch: Batch): Promise<void> {
  if (ctx.commitHooks) await writeBatches(ctx, [batch])
  else await writer(ctx).write(batch)
}

async function writeBatches(ctx: Context, batches: Batch[]): Promise<void> {
  const known = await runsById(ctx, [...new Set(batches.map(({ run }) => run))])
  const rows: Rows = { params: [], tags: [], metrics: [], modelMetrics: [] }
  const given = new Map<number, Map<string, string>>()
  for (const batch of batches) {
    const run = known.get(batch.run)
    if (!run) throw notFound('Run', batch.run, 'List them with "keel runs list".')
    checkActive('Run', run.id, run.deleted !== 0)
    const params = Object.entries(batch.params ?? {})
    if (params.length > 0) {
      const stored = given.get(run.number) ?? (await paramsOf(ctx, run.number))
      given.set(run.number, stored)
      for (const [key, value] of params) {
        checkParam(key, stored.get(key), value)
        stored.set(key, value)
        rows.params.push({ run: run.number, key, value })
      }
    }
    for (const [key, value] of Object.entries(batch.tags ?? {})) {
      rows.tags.push({ run: run.number, key, value })
      if (key === nameTag) await store.updateRun(ctx, run.number, { name: value })
    }
    for (const point of batch.metrics ?? []) addPoint(rows, run, point)
  }
  await insertRows(ctx, appendToJournal(ctx, rows.metrics) ? { ...rows, metrics: [] } : rows)
}

function addPoint(rows: Rows, run: RunsTable, { key, step, at, value, model, dataset }: Point): void {
  const stored = toStored(value)
  rows.metrics.push({ run: run.number, key, step, at, ...stored, experiment_id: run.experiment_id })
  if (model === undefined) return
  rows.modelMetrics.push({
    model,
    run_id: run.id,
    key,
    step,
    at,
    ...stored,
    dataset_name: dataset?.name ?? '',
    dataset_digest: dataset?.digest ?? '',
  })
}
