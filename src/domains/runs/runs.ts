import { randomUUID } from 'node:crypto'
import { type Context, liveValue } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { conflict, invalidInput, notFound } from '../../core/errors.ts'
import { append } from '../../core/events.ts'
import { groupCommit } from '../../core/group-commit.ts'
import { transaction } from '../../core/transaction.ts'
import type { runs } from './contract.ts'
import type { ExperimentsTable, RunsTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof runs
type Run = Output<Operations['get']>
type Experiment = Output<Operations['createExperiment']>

export async function listExperiments(
  ctx: Context,
  { limit = 100, cursor }: Input<Operations['listExperiments']>,
): Promise<Output<Operations['listExperiments']>> {
  const rows = await store.listExperiments(ctx, cursor, limit)
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items: rows.map(toExperiment), ...(last ? { next: last.created_at } : {}) }
}

export function createExperiment(
  ctx: Context,
  { name, tags = {} }: Input<Operations['createExperiment']>,
): Promise<Experiment> {
  return transaction(ctx, async (ctx) => {
    if (await store.findExperiment(ctx, 'name', name)) throw conflict(`The experiment "${name}" exists.`, { name })
    const id = String((await store.largestExperimentId(ctx)) + 1)
    const row: ExperimentsTable = { id, name, tags: JSON.stringify(tags), created_at: ctx.now().toISOString() }
    await store.insertExperiment(ctx, row)
    await append(ctx, 'runs.experiment_created', `experiment/${name}`)
    return toExperiment(row)
  })
}

export function create(
  ctx: Context,
  { experiment, name, tags = {}, params = {} }: Input<Operations['create']>,
): Promise<Run> {
  return transaction(ctx, async (ctx) => {
    const known = await store.findExperiment(ctx, 'name', experiment)
    const owner = known ? toExperiment(known) : await createExperiment(ctx, { name: experiment })
    const id = randomUUID().replaceAll('-', '')
    const row: RunsTable = {
      id,
      position: ctx.id('run'),
      experiment_id: owner.id,
      name: name ?? id.slice(0, 8),
      status: 'running',
      started_at: ctx.now().toISOString(),
      ended_at: null,
    }
    await store.insertRun(ctx, row)
    await store.insertParams(ctx, toPairs(id, params))
    await store.saveTags(ctx, toPairs(id, tags))
    await append(ctx, 'runs.created', `run/${id}`, { experiment })
    return get(ctx, { run: id })
  })
}

export async function get(ctx: Context, { run }: Input<Operations['get']>): Promise<Run> {
  const [found] = await toRuns(ctx, [await requireRun(ctx, run)])
  if (!found) throw notFound('Run', run)
  return found
}

export async function search(
  ctx: Context,
  { experiment, limit = 100, cursor }: Input<Operations['search']>,
): Promise<Output<Operations['search']>> {
  const owner = experiment === undefined ? undefined : await store.findExperiment(ctx, 'name', experiment)
  if (experiment !== undefined && !owner)
    throw notFound('Experiment', experiment, 'List them with "keel api runs.listExperiments".')
  const rows = await store.listRuns(ctx, owner?.id, cursor, limit)
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items: await toRuns(ctx, rows), ...(last ? { next: last.position } : {}) }
}

type Batch = Input<Operations['logBatch']>

/** Batches that arrive together are committed together: each caller waits for one write to disk, not for its own. */
const writer = (ctx: Context) => liveValue(ctx, 'runs.writer', () => groupCommit<Batch>(ctx, writeBatches))

export async function logBatch(ctx: Context, batch: Batch): Promise<Record<string, never>> {
  if (ctx.commitHooks) await writeBatches(ctx, [batch])
  else await writer(ctx).write(batch)
  return {}
}

async function writeBatches(ctx: Context, batches: Batch[]): Promise<void> {
  for (const { run, params = {}, tags = {} } of batches) {
    await requireRun(ctx, run)
    const pairs = toPairs(run, params)
    if (pairs.length > 0) await checkParams(ctx, run, params)
    await store.insertParams(ctx, pairs)
    await store.saveTags(ctx, toPairs(run, tags))
  }
  const now = ctx.now().toISOString()
  const metrics = batches.flatMap(({ run, metrics = [] }) =>
    metrics.map(({ key, value, step = 0, at = now }) => ({
      run_id: run,
      key,
      step,
      at,
      value: value ?? 0,
      special: value === null ? 'nan' : '',
    })),
  )
  await store.insertMetrics(ctx, metrics)
}

async function checkParams(ctx: Context, run: string, params: Record<string, string>): Promise<void> {
  for (const { key, value } of await store.pairs(ctx, 'run_params', [run])) {
    const given = params[key]
    if (given !== undefined && given !== value) {
      throw invalidInput(`The param "${key}" of this run is "${value}" and cannot become "${given}".`, { name: key })
    }
  }
}

export function finish(ctx: Context, { run, status }: Input<Operations['finish']>): Promise<Run> {
  return transaction(ctx, async (ctx) => {
    await requireRun(ctx, run)
    await store.endRun(ctx, run, status, ctx.now().toISOString())
    await append(ctx, `runs.${status}`, `run/${run}`)
    return get(ctx, { run })
  })
}

export async function metricHistory(
  ctx: Context,
  input: Input<Operations['metricHistory']>,
): Promise<Output<Operations['metricHistory']>> {
  const { run, key, limit = 1000, cursor } = input
  await requireRun(ctx, run)
  const [step, seq] = (cursor ?? '').split(':').map(Number)
  if (cursor !== undefined && !(Number.isInteger(step) && Number.isInteger(seq)))
    throw invalidInput(`"${cursor}" is not a cursor.`, { name: 'cursor' })
  const rows = await store.history(
    ctx,
    run,
    key,
    cursor === undefined ? undefined : { step: step ?? 0, seq: seq ?? 0 },
    limit,
  )
  const last = rows.length === limit ? rows.at(-1) : undefined
  return {
    items: rows.map((row) => ({
      key,
      value: row.special === '' ? row.value : null,
      step: Number(row.step),
      at: row.at,
    })),
    ...(last ? { next: `${last.step}:${last.seq}` } : {}),
  }
}

async function requireRun(ctx: Context, id: string): Promise<RunsTable> {
  const row = await store.findRun(ctx, id)
  if (!row) throw notFound('Run', id, 'List them with "keel runs list".')
  return row
}

async function toRuns(ctx: Context, rows: RunsTable[]): Promise<Run[]> {
  const ids = rows.map(({ id }) => id)
  const [params, tags, metrics] = [
    await store.pairs(ctx, 'run_params', ids),
    await store.pairs(ctx, 'run_tags', ids),
    await store.latestMetrics(ctx, ids),
  ]
  const experiments = new Map<string, string>()
  for (const id of new Set(rows.map((row) => row.experiment_id)))
    experiments.set(id, (await store.findExperiment(ctx, 'id', id))?.name ?? id)
  return rows.map((row) => ({
    id: row.id,
    experiment: experiments.get(row.experiment_id) ?? row.experiment_id,
    name: row.name,
    status: row.status as Run['status'],
    startedAt: row.started_at,
    endedAt: row.ended_at,
    params: Object.fromEntries(params.filter(({ run_id }) => run_id === row.id).map(({ key, value }) => [key, value])),
    metrics: Object.fromEntries(
      metrics
        .filter(({ run_id }) => run_id === row.id)
        .map(({ key, value, special }) => [key, special === '' ? value : null]),
    ),
    tags: Object.fromEntries(tags.filter(({ run_id }) => run_id === row.id).map(({ key, value }) => [key, value])),
  }))
}

function toPairs(run: string, values: Record<string, string>) {
  return Object.entries(values).map(([key, value]) => ({ run_id: run, key, value }))
}

function toExperiment(row: ExperimentsTable): Experiment {
  return { id: row.id, name: row.name, tags: JSON.parse(row.tags) as Record<string, string>, createdAt: row.created_at }
}
