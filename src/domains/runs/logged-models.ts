import { randomUUID } from 'node:crypto'
import type { Context } from '../../core/context.ts'
import { notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import { append } from './events.ts'
import { getExperiment } from './experiments.ts'
import * as store from './logged-models-store.ts'
import { checkActive, fromStored } from './rules.ts'
import type { LoggedModelsTable } from './schema.ts'

/** A model that a run logged, before it is registered: its files, params, tags and metrics. */
export type LoggedModel = {
  id: string
  experimentId: string
  name: string
  location: string
  status: string
  message: string
  type: string
  sourceRun: string | null
  createdAt: number
  updatedAt: number
  params: { key: string; value: string }[]
  tags: { key: string; value: string }[]
  metrics: {
    key: string
    value: number
    step: number
    at: number
    run: string
    dataset: { name: string; digest: string } | undefined
  }[]
}

type Pairs = { key: string; value: string }[]
type NewModel = {
  experimentId: string
  name: string
  type: string
  sourceRun?: string | undefined
  params: Pairs
  tags: Pairs
}

export function recordLoggedModel(ctx: Context, input: NewModel): Promise<LoggedModel> {
  return transaction(ctx, async (ctx) => {
    const owner = await getExperiment(ctx, { id: input.experimentId })
    checkActive('Experiment', owner.id, owner.deleted)
    const id = `m-${randomUUID().replaceAll('-', '')}`
    const now = ctx.now().getTime()
    await store.insertModel(ctx, {
      id,
      experiment_id: Number(owner.id),
      name: input.name,
      location: `${owner.location.replace(/\/+$/, '')}/models/${id}/artifacts`,
      status: 'LOGGED_MODEL_PENDING',
      message: '',
      model_type: input.type,
      source_run: input.sourceRun ?? null,
      deleted: 0,
      created_at: now,
      updated_at: now,
    })
    await store.savePairs(ctx, id, 'param', input.params)
    await store.savePairs(ctx, id, 'tag', input.tags)
    await append(ctx, 'runs.model_logged', `logged-model/${id}`, { name: input.name, run: input.sourceRun })
    return getLoggedModel(ctx, id)
  })
}

export async function getLoggedModel(ctx: Context, id: string): Promise<LoggedModel> {
  const [model] = await getLoggedModels(ctx, [await requireModel(ctx, id)])
  if (!model) throw notFound('Logged model', id)
  return model
}

export function finishLoggedModel(ctx: Context, id: string, status: string): Promise<LoggedModel> {
  return change(ctx, id, { status })
}

export async function deleteLoggedModel(ctx: Context, id: string): Promise<void> {
  await transaction(ctx, async (ctx) => {
    await requireModel(ctx, id)
    await store.updateModel(ctx, id, { deleted: 1 })
    await append(ctx, 'runs.logged_model_deleted', `logged-model/${id}`)
  })
}

export function tagLoggedModel(ctx: Context, id: string, tags: Pairs): Promise<LoggedModel> {
  return transaction(ctx, async (ctx) => {
    await requireModel(ctx, id)
    await store.savePairs(ctx, id, 'tag', tags)
    return change(ctx, id, {})
  })
}

export function untagLoggedModel(ctx: Context, id: string, key: string): Promise<void> {
  return transaction(ctx, async (ctx) => {
    await requireModel(ctx, id)
    await store.removePair(ctx, id, 'tag', key)
    await change(ctx, id, {})
  })
}

export function addLoggedModelParams(ctx: Context, id: string, params: Pairs): Promise<void> {
  return transaction(ctx, async (ctx) => {
    await requireModel(ctx, id)
    await store.savePairs(ctx, id, 'param', params)
  })
}

async function change(ctx: Context, id: string, values: Partial<LoggedModelsTable>): Promise<LoggedModel> {
  await requireModel(ctx, id)
  await store.updateModel(ctx, id, { ...values, updated_at: ctx.now().getTime() })
  return getLoggedModel(ctx, id)
}

async function requireModel(ctx: Context, id: string): Promise<LoggedModelsTable> {
  const row = await store.findModel(ctx, id)
  if (row?.deleted !== 0) throw notFound('Logged model', id)
  return row
}

export async function searchLoggedModels(
  ctx: Context,
  query: store.ModelQuery,
): Promise<{ models: LoggedModel[]; more: boolean }> {
  const rows = await store.searchModels(ctx, { ...query, limit: query.limit + 1 })
  return { models: await getLoggedModels(ctx, rows.slice(0, query.limit)), more: rows.length > query.limit }
}

async function getLoggedModels(ctx: Context, rows: LoggedModelsTable[]): Promise<LoggedModel[]> {
  const ids = rows.map(({ id }) => id)
  const pairs = await store.pairs(ctx, ids)
  const metrics = await store.metrics(ctx, ids)
  return rows.map((row) => ({
    id: row.id,
    experimentId: String(row.experiment_id),
    name: row.name,
    location: row.location,
    status: row.status,
    message: row.message,
    type: row.model_type,
    sourceRun: row.source_run,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    params: pairs.filter(({ model, kind }) => model === row.id && kind === 'param'),
    tags: pairs.filter(({ model, kind }) => model === row.id && kind === 'tag'),
    metrics: metrics
      .filter(({ model }) => model === row.id)
      .map((metric) => ({
        key: metric.key,
        value: fromStored(metric),
        step: metric.step,
        at: Number(metric.at),
        run: metric.run_id,
        dataset: metric.dataset_name === '' ? undefined : { name: metric.dataset_name, digest: metric.dataset_digest },
      })),
  }))
}
