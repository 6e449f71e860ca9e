import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { conflict, notFound } from '../../core/errors.ts'
import { cursorNumber, nextOf } from '../../core/paging.ts'
import { transaction } from '../../core/transaction.ts'
import type { runs } from './contract.ts'
import { append } from './events.ts'
import { checkActive, toTime } from './rules.ts'
import type { ExperimentsTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof runs
type Experiment = Output<Operations['createExperiment']>

export type ExperimentRecord = {
  /** A number as text: "0" is "Default". */
  id: string
  name: string
  location: string
  deleted: boolean
  createdAt: number
  updatedAt: number
  tags: Record<string, string>
}

export async function listExperiments(
  ctx: Context,
  { limit = 100, cursor }: Input<Operations['listExperiments']>,
): Promise<Output<Operations['listExperiments']>> {
  const rows = await store.listExperiments(ctx, cursorNumber(cursor), limit)
  return {
    items: (await toExperimentRecords(ctx, rows)).map(toExperiment),
    ...nextOf(rows, limit, ({ id }) => id),
  }
}

export async function createExperiment(
  ctx: Context,
  input: Input<Operations['createExperiment']>,
): Promise<Experiment> {
  return toExperiment(await recordExperiment(ctx, input))
}

type NewExperiment = { name: string; location?: string; tags?: Record<string, string> }

export function recordExperiment(
  ctx: Context,
  { name, location, tags = {} }: NewExperiment,
): Promise<ExperimentRecord> {
  return transaction(ctx, async (ctx) => {
    await refuseKnownName(ctx, name)
    const id = (await store.largestExperimentId(ctx)) + 1
    const now = ctx.now().getTime()
    const row: ExperimentsTable = {
      id,
      name,
      location: location ?? `${ctx.config.artifactRoot.replace(/\/+$/, '')}/${id}`,
      deleted: 0,
      created_at: now,
      updated_at: now,
    }
    await store.insertExperiment(ctx, row)
    for (const [key, value] of Object.entries(tags)) await store.saveExperimentTag(ctx, id, key, value)
    await append(ctx, 'runs.experiment_created', `experiment/${name}`, { id: String(id) })
    return only(await toExperimentRecords(ctx, [row]))
  })
}

async function refuseKnownName(ctx: Context, name: string): Promise<void> {
  const known = await store.findExperiment(ctx, { name })
  if (!known) return
  const hint = known.deleted === 0 ? undefined : 'It is deleted; restore it, or choose another name.'
  throw conflict(`The experiment "${name}" exists.`, { name, hint })
}

export async function getExperiment(ctx: Context, by: { id: string } | { name: string }): Promise<ExperimentRecord> {
  const row = await store.findExperiment(ctx, 'id' in by ? { id: experimentNumber(by.id) } : by)
  if (!row)
    throw notFound('Experiment', 'id' in by ? by.id : by.name, 'List them with "keel api runs.listExperiments".')
  return only(await toExperimentRecords(ctx, [row]))
}

/** The number in an id; -1, which no experiment has, for a string that is not an id. */
export function experimentNumber(id: string): number {
  return /^\d{1,15}$/.test(id) ? Number(id) : -1
}

export function renameExperiment(ctx: Context, { id, name }: { id: string; name: string }): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const experiment = await requireActive(ctx, id)
    if (experiment.name === name) return
    await refuseKnownName(ctx, name)
    await touch(ctx, id, { name })
    await append(ctx, 'runs.experiment_renamed', `experiment/${name}`, { from: experiment.name })
  })
}

/** Deletes an experiment with its runs. */
export function deleteExperiment(ctx: Context, { id }: { id: string }): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const { name } = await requireActive(ctx, id)
    await touch(ctx, id, { deleted: 1 })
    await store.markRunsOf(ctx, experimentNumber(id), 0, 2)
    await append(ctx, 'runs.experiment_deleted', `experiment/${name}`)
  })
}

export function restoreExperiment(ctx: Context, { id }: { id: string }): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const { name, deleted } = await getExperiment(ctx, { id })
    if (!deleted) throw conflict(`The experiment "${name}" is not deleted.`, { name })
    await touch(ctx, id, { deleted: 0 })
    await store.markRunsOf(ctx, experimentNumber(id), 2, 0)
    await append(ctx, 'runs.experiment_restored', `experiment/${name}`)
  })
}

type Tag = { id: string; key: string; value: string }

export function tagExperiment(ctx: Context, { id, key, value }: Tag): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const { name } = await requireActive(ctx, id)
    await store.saveExperimentTag(ctx, experimentNumber(id), key, value)
    await touch(ctx, id, {})
    await append(ctx, 'runs.experiment_tagged', `experiment/${name}`, { key, value })
  })
}

export function untagExperiment(ctx: Context, { id, key }: Omit<Tag, 'value'>): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const { name } = await requireActive(ctx, id)
    if (!(await store.removeExperimentTag(ctx, experimentNumber(id), key))) throw notFound('Tag', key)
    await touch(ctx, id, {})
    await append(ctx, 'runs.experiment_untagged', `experiment/${name}`, { key })
  })
}

async function requireActive(ctx: Context, id: string): Promise<ExperimentRecord> {
  const experiment = await getExperiment(ctx, { id })
  checkActive('Experiment', id, experiment.deleted)
  return experiment
}

async function touch(ctx: Context, id: string, values: Partial<ExperimentsTable>): Promise<void> {
  await store.updateExperiment(ctx, experimentNumber(id), { ...values, updated_at: ctx.now().getTime() })
}

export async function toExperimentRecords(ctx: Context, rows: ExperimentsTable[]): Promise<ExperimentRecord[]> {
  const tags = await store.experimentTags(
    ctx,
    rows.map(({ id }) => id),
  )
  return rows.map((row) => ({
    id: String(row.id),
    name: row.name,
    location: row.location,
    deleted: row.deleted !== 0,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    tags: Object.fromEntries(tags.filter((tag) => tag.experiment_id === row.id).map(({ key, value }) => [key, value])),
  }))
}

function toExperiment({ id, name, tags, createdAt }: ExperimentRecord): Experiment {
  return { id, name, tags, createdAt: toTime(createdAt) }
}

function only<T>([first]: T[]): T {
  if (first === undefined) throw new Error('one row gives one record')
  return first
}
