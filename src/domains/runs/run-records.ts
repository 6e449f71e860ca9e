import { randomUUID } from 'node:crypto'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import type { runs } from './contract.ts'
import { append } from './events.ts'
import { type ExperimentRecord, experimentNumber, getExperiment, recordExperiment } from './experiments.ts'
import { log, nameTag } from './logging.ts'
import { insertRows } from './logging-store.ts'
import { flushJournal } from './metric-journal.ts'
import { latestMetrics } from './metrics-store.ts'
import { checkActive, fromStored, inventName, toJsonNumber, toTime } from './rules.ts'
import type { ExperimentsTable, PairTable, RunsTable } from './schema.ts'
import { type RunQuery, searchRuns } from './search-store.ts'
import * as store from './store.ts'

type Operations = typeof runs
type Run = Output<Operations['get']>
export type RunStatus = Run['status']

/** A run without what it logged. */
export type RunInfo = {
  id: string
  number: number
  experimentId: string
  name: string
  user: string
  status: RunStatus
  deleted: boolean
  location: string
  startedAt: number
  endedAt: number | null
}

export type RunRecord = RunInfo & {
  params: { key: string; value: string }[]
  tags: { key: string; value: string }[]
  /** The latest value of each metric as it was logged, NaN and the infinities included. */
  metrics: { key: string; value: number; step: number; at: number }[]
}

export function create(
  ctx: Context,
  { experiment, name, tags = {}, params = {} }: Input<Operations['create']>,
): Promise<Run> {
  return transaction(ctx, async (ctx) => {
    const known = await store.findExperiment(ctx, { name: experiment })
    const { id } = known
      ? await getExperiment(ctx, { name: experiment })
      : await recordExperiment(ctx, { name: experiment })
    const run = await recordRun(ctx, { experimentId: id, tags, ...(name === undefined ? {} : { name }) })
    await log(ctx, { run: run.id, params })
    return get(ctx, { run: run.id })
  })
}

type NewRun = {
  experimentId: string
  name?: string
  user?: string
  startedAt?: number
  tags?: Record<string, string>
}

/** Starts a run in an existing experiment; without a name it gets an invented one. */
export function recordRun(ctx: Context, input: NewRun): Promise<RunRecord> {
  return transaction(ctx, async (ctx) => {
    const owner = await requireExperiment(ctx, input.experimentId)
    const id = randomUUID().replaceAll('-', '')
    const name = input.name || input.tags?.[nameTag] || inventName(ctx.random)
    const row = await store.insertRun(ctx, {
      id,
      experiment_id: Number(owner.id),
      name,
      user_name: input.user ?? '',
      status: 'running',
      deleted: 0,
      location: `${owner.location.replace(/\/+$/, '')}/${id}/artifacts`,
      started_at: input.startedAt ?? ctx.now().getTime(),
      ended_at: null,
    })
    const tags = Object.entries({ ...input.tags, [nameTag]: name })
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ run: row.number, key, value }))
    await insertRows(ctx, { params: [], tags, metrics: [], modelMetrics: [] })
    await append(ctx, 'runs.created', `run/${id}`, { experiment: owner.name })
    return toRecord(row, { params: [], tags, metrics: [] })
  })
}

async function requireExperiment(ctx: Context, id: string): Promise<ExperimentsTable> {
  const row = await store.findExperiment(ctx, { id: experimentNumber(id) })
  if (!row) throw notFound('Experiment', id, 'List them with "keel api runs.listExperiments".')
  checkActive('Experiment', id, row.deleted !== 0)
  return row
}

export async function get(ctx: Context, { run }: Input<Operations['get']>): Promise<Run> {
  const record = await getRecord(ctx, run)
  return toRun(record, await getExperiment(ctx, { id: record.experimentId }))
}

export async function getRunInfo(ctx: Context, id: string): Promise<RunInfo> {
  return toInfo(await requireRun(ctx, id))
}

export async function getRecord(ctx: Context, id: string): Promise<RunRecord> {
  await flushJournal(ctx)
  const [record] = await toRecords(ctx, [await requireRun(ctx, id)])
  if (!record) throw notFound('Run', id)
  return record
}

export function search(
  ctx: Context,
  { experiment, ...paging }: Input<Operations['search']>,
): Promise<Output<Operations['search']>> {
  return find(ctx, { ...(experiment === undefined ? {} : { experiments: [experiment] }), ...paging })
}

/** The runs for which all conditions hold. */
export async function find(
  ctx: Context,
  { experiments, view = 'active', conditions = [], order = [], limit = 100, cursor }: Input<Operations['find']>,
): Promise<Output<Operations['find']>> {
  const owners = new Map<string, ExperimentRecord>()
  for (const name of experiments ?? []) {
    const owner = await getExperiment(ctx, { name })
    owners.set(owner.id, owner)
  }
  const { records, next } = await findRecords(ctx, {
    experiments: experiments === undefined ? undefined : [...owners.keys()].map(Number),
    view,
    conditions,
    order,
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  })
  const items: Run[] = []
  for (const record of records) {
    const owner = owners.get(record.experimentId) ?? (await getExperiment(ctx, { id: record.experimentId }))
    owners.set(record.experimentId, owner)
    items.push(toRun(record, owner))
  }
  return { items, ...(next === undefined ? {} : { next }) }
}

export async function findRecords(
  ctx: Context,
  query: RunQuery,
): Promise<{ records: RunRecord[]; next: string | undefined }> {
  await flushJournal(ctx)
  const { rows, next } = await searchRuns(ctx, query)
  return { records: await toRecords(ctx, rows), next }
}

export function finish(ctx: Context, { run, status }: Input<Operations['finish']>): Promise<Run> {
  return transaction(ctx, async (ctx) => {
    await updateRun(ctx, { run, status, endedAt: ctx.now().getTime() })
    return get(ctx, { run })
  })
}

type Update = { run: string; name?: string; status?: RunStatus; endedAt?: number }

export function updateRun(ctx: Context, { run, name, status, endedAt }: Update): Promise<RunInfo> {
  return transaction(ctx, async (ctx) => {
    const row = await requireRun(ctx, run)
    checkActive('Run', run, row.deleted !== 0)
    const changed: RunsTable = {
      ...row,
      name: name ?? row.name,
      status: status ?? row.status,
      ended_at: endedAt ?? row.ended_at,
    }
    const { name: newName, status: newStatus, ended_at } = changed
    await store.updateRun(ctx, row.number, { name: newName, status: newStatus, ended_at })
    if (name !== undefined) await log(ctx, { run, tags: { [nameTag]: name } })
    if (status !== undefined) await append(ctx, `runs.${status}`, `run/${run}`)
    return toInfo(changed)
  })
}

export function deleteRun(ctx: Context, { run }: { run: string }): Promise<Record<string, never>> {
  return transaction(ctx, async (ctx) => {
    const row = await requireRun(ctx, run)
    checkActive('Run', run, row.deleted !== 0)
    await store.updateRun(ctx, row.number, { deleted: 1 })
    await append(ctx, 'runs.deleted', `run/${run}`)
    return {}
  })
}

export function restoreRun(ctx: Context, { run }: { run: string }): Promise<Record<string, never>> {
  return transaction(ctx, async (ctx) => {
    const row = await requireRun(ctx, run)
    if (row.deleted === 0) throw invalidInput(`The run "${run}" is not deleted.`, { name: run })
    await store.updateRun(ctx, row.number, { deleted: 0 })
    await append(ctx, 'runs.restored', `run/${run}`)
    return {}
  })
}

export function untagRun(ctx: Context, { run, key }: { run: string; key: string }): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const row = await requireRun(ctx, run)
    checkActive('Run', run, row.deleted !== 0)
    if ((await store.findTag(ctx, row.number, key)) === undefined) throw notFound('Tag', key)
    await store.removeTag(ctx, row.number, key)
  })
}

export async function requireRun(ctx: Context, id: string): Promise<RunsTable> {
  const row = await store.findRun(ctx, id)
  if (!row) throw notFound('Run', id, 'List them with "keel runs list".')
  return row
}

async function toRecords(ctx: Context, rows: RunsTable[]): Promise<RunRecord[]> {
  const numbers = rows.map(({ number }) => number)
  const params = byRun(await store.pairs(ctx, 'run_params', numbers))
  const tags = byRun(await store.pairs(ctx, 'run_tags', numbers))
  const metrics = byRun(await latestMetrics(ctx, numbers))
  return rows.map((row) =>
    toRecord(row, {
      params: params.get(row.number) ?? [],
      tags: tags.get(row.number) ?? [],
      metrics: metrics.get(row.number) ?? [],
    }),
  )
}

function byRun<Row extends { run: number }>(rows: Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>()
  for (const row of rows) {
    const group = groups.get(row.run)
    if (group) group.push(row)
    else groups.set(row.run, [row])
  }
  return groups
}

type Parts = { params: PairTable[]; tags: PairTable[]; metrics: Awaited<ReturnType<typeof latestMetrics>> }

function toRecord(row: RunsTable, { params, tags, metrics }: Parts): RunRecord {
  return {
    ...toInfo(row),
    params,
    tags,
    metrics: metrics.map(({ key, value, special, step, at }) => ({
      key,
      value: fromStored({ value, special }),
      step: Number(step),
      at: Number(at),
    })),
  }
}

function toInfo(row: RunsTable): RunInfo {
  return {
    id: row.id,
    number: row.number,
    experimentId: String(row.experiment_id),
    name: row.name,
    user: row.user_name,
    status: row.status as RunStatus,
    deleted: row.deleted !== 0,
    location: row.location,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

function toRun(record: RunRecord, experiment: ExperimentRecord): Run {
  return {
    id: record.id,
    experiment: experiment.name,
    name: record.name,
    status: record.status,
    startedAt: toTime(record.startedAt),
    endedAt: record.endedAt === null ? null : toTime(record.endedAt),
    params: Object.fromEntries(record.params.map(({ key, value }) => [key, value])),
    metrics: Object.fromEntries(record.metrics.map(({ key, value }) => [key, toJsonNumber(value)])),
    tags: Object.fromEntries(record.tags.map(({ key, value }) => [key, value])),
  }
}
