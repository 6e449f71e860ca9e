import type { Static } from 'typebox'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { transaction } from '../../core/transaction.ts'
import { append } from './events.ts'
import { experimentNumber, getExperiment, recordExperiment } from './experiments.ts'
import type { ImportedLoggedModel, ImportedRun, importOperations } from './import-contract.ts'
import * as store from './import-store.ts'
import { logInputs, logOutputs } from './inputs.ts'
import * as models from './logged-models-store.ts'
import { insertRows, type Rows } from './logging-store.ts'
import { flushJournal } from './metric-journal.ts'
import { toStored } from './rules.ts'
import type { RunsTable } from './schema.ts'
import { findExperiment, findRun, insertRun, updateExperiment, updateRun } from './store.ts'

type Operations = typeof importOperations
type Places = Output<Operations['importRuns']>

export function importExperiment(
  ctx: Context,
  { name, tags, createdAt, updatedAt, deleted }: Input<Operations['importExperiment']>,
): Promise<{ id: string }> {
  return transaction(ctx, async (ctx) => {
    const known = await findExperiment(ctx, { name })
    if (known) return { id: String(known.id) }
    const { id } = await recordExperiment(ctx, { name, tags })
    await updateExperiment(ctx, experimentNumber(id), {
      created_at: createdAt,
      updated_at: updatedAt,
      deleted: deleted ? 1 : 0,
    })
    return { id }
  })
}

export function importRuns(ctx: Context, { experiment, runs }: Input<Operations['importRuns']>): Promise<Places> {
  return transaction(ctx, async (ctx) => {
    const owner = await getExperiment(ctx, { id: experiment })
    const rows: Rows = { params: [], tags: [], metrics: [], modelMetrics: [] }
    const items: Places['items'] = []
    for (const given of runs) {
      const row = (await findRun(ctx, given.id)) ?? (await insertRun(ctx, toRow(owner, given)))
      items.push({ id: given.id, location: row.location })
      collect(rows, row, given)
      await importLinks(ctx, row, given)
    }
    await insertRows(ctx, rows)
    await append(ctx, 'runs.imported', `experiment/${owner.name}`, { runs: runs.length, points: rows.metrics.length })
    return { items }
  })
}

function toRow(owner: { id: string; location: string }, given: Static<typeof ImportedRun>): Omit<RunsTable, 'number'> {
  return {
    id: given.id,
    experiment_id: Number(owner.id),
    name: given.name,
    user_name: given.user,
    status: given.status,
    deleted: given.deleted ? 1 : 0,
    location: given.location ?? `${owner.location.replace(/\/+$/, '')}/${given.id}/artifacts`,
    started_at: given.startedAt,
    ended_at: given.endedAt,
  }
}

function collect(rows: Rows, { number: run, experiment_id }: RunsTable, given: Static<typeof ImportedRun>): void {
  for (const [key, value] of Object.entries(given.params)) rows.params.push({ run, key, value })
  for (const [key, value] of Object.entries(given.tags)) rows.tags.push({ run, key, value })
  for (const [key, step, at, value] of given.metrics)
    rows.metrics.push({ run, key, step, at, ...toStored(value ?? Number.NaN), experiment_id })
}

/** Links can be written only to active runs, so a deleted run is restored for a moment, inside the transaction. */
async function importLinks(ctx: Context, row: RunsTable, given: Static<typeof ImportedRun>): Promise<void> {
  const { datasets, modelInputs, modelOutputs } = given
  if (datasets.length + modelInputs.length + modelOutputs.length === 0) return
  if (row.deleted !== 0) await updateRun(ctx, row.number, { deleted: 0 })
  await logInputs(ctx, {
    run: given.id,
    datasets: datasets.map(({ tags, ...dataset }) => ({ dataset, tags })),
    models: modelInputs,
  })
  await logOutputs(ctx, { run: given.id, models: modelOutputs })
  if (row.deleted !== 0) await updateRun(ctx, row.number, { deleted: row.deleted })
}

export function importLoggedModels(
  ctx: Context,
  { experiment, models: given }: Input<Operations['importLoggedModels']>,
): Promise<Places> {
  return transaction(ctx, async (ctx) => {
    const owner = await getExperiment(ctx, { id: experiment })
    const items: Places['items'] = []
    for (const model of given) {
      const location = model.location ?? `${owner.location.replace(/\/+$/, '')}/models/${model.id}/artifacts`
      if (!(await models.findModel(ctx, model.id))) await importLoggedModel(ctx, Number(owner.id), location, model)
      items.push({ id: model.id, location })
    }
    return { items }
  })
}

async function importLoggedModel(
  ctx: Context,
  experiment: number,
  location: string,
  model: Static<typeof ImportedLoggedModel>,
): Promise<void> {
  await models.insertModel(ctx, {
    id: model.id,
    experiment_id: experiment,
    name: model.name,
    location,
    status: model.status,
    message: model.message,
    model_type: model.type,
    source_run: model.sourceRun,
    deleted: model.deleted ? 1 : 0,
    created_at: model.createdAt,
    updated_at: model.updatedAt,
  })
  await models.savePairs(ctx, model.id, 'param', model.params)
  await models.savePairs(ctx, model.id, 'tag', model.tags)
  await insertRows(ctx, {
    params: [],
    tags: [],
    metrics: [],
    modelMetrics: model.metrics.map(({ run, key, step, at, value, dataset }) => ({
      model: model.id,
      run_id: run,
      key,
      step,
      at,
      ...toStored(value ?? Number.NaN),
      dataset_name: dataset?.name ?? '',
      dataset_digest: dataset?.digest ?? '',
    })),
  })
}

export async function markImported(
  ctx: Context,
  { items }: Input<Operations['markImported']>,
): Promise<Record<string, never>> {
  await transaction(ctx, async (ctx) => {
    for (const { id, mark } of items) await store.saveMark(ctx, id, mark)
  })
  return {}
}

export async function importMarks(
  ctx: Context,
  { ids }: Input<Operations['importMarks']>,
): Promise<Output<Operations['importMarks']>> {
  return { items: await store.marks(ctx, ids) }
}

export async function countRuns(
  ctx: Context,
  { runs }: Input<Operations['countRuns']>,
): Promise<Output<Operations['countRuns']>> {
  await flushJournal(ctx)
  return store.counts(ctx, runs)
}
