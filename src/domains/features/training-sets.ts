import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { nextOf } from '../../core/paging.ts'
import { scratchPath } from '../../core/scratch.ts'
import { dateOf } from '../../core/tables/tables.ts'
import { transaction } from '../../core/transaction.ts'
import * as datasets from '../datasets/datasets.ts'
import { buildTrainingSet } from './build-training-set.ts'
import type { features } from './contract.ts'
import { serviceOf } from './definitions.ts'
import { append } from './events.ts'
import { boundSources, type PinnedSource, pinnedBy } from './pinned-sources.ts'
import * as store from './store.ts'
import { orNull } from './training-set-record.ts'

type Operations = typeof features
type TrainingSet = Output<Operations['getTrainingSet']>

/**
 * Rows of the source are the examples; each is joined to the service as of its own time. Every source is read up to a
 * sequence number that the manifest keeps: the same definitions and the same numbers give the same bytes.
 */
export async function createTrainingSet(
  ctx: Context,
  input: Input<Operations['createTrainingSet']>,
): Promise<TrainingSet> {
  const { service, source, label, asOf = 'known' } = input
  const [from, to] = [dateOf(input.from).toISOString(), dateOf(input.to).toISOString()]
  const resolved = await serviceOf(ctx, service)
  const { time } = (await datasets.describeSource(ctx, source)).definition
  if (time === undefined) throw invalidInput(`The source "${source}" declares no time column.`, { name: source })
  const bounds = await boundSources(ctx, input, resolved)
  const path = scratchPath(ctx, '.parquet')
  try {
    const request = { resolved, source, time, from, to, label, asOfKnown: asOf === 'known', bounds }
    const built = await buildTrainingSet(ctx, request, path)
    if (built.rows === 0)
      throw invalidInput(`No rows of "${source}" have a time from ${from} to ${to}.`, { name: source })
    const digest = await keepRows(ctx, path)
    const row: store.TrainingSetRecord = {
      id: ctx.id('ts'),
      service,
      as_of: asOf,
      source,
      from_time: from,
      to_time: to,
      label: label ?? null,
      columns: built.columns,
      row_count: built.rows,
      digest,
      upto_seq: bounds.get(source) ?? 0,
      label_mean: built.labelMean,
      created_at: ctx.now().toISOString(),
      sources: built.sources,
    }
    await transaction(ctx, async (ctx) => {
      await store.insertTrainingSet(ctx, row)
      const data = { service, asOf, rows: built.rows, digest }
      await append(ctx, 'features.training_set_created', `training_set/${row.id}`, data)
    })
    // Whoever asks for what was read earlier is told, too, that it is not there any more.
    const again = input.uptoSeq !== undefined || input.sources !== undefined
    return toTrainingSet(ctx, row, again ? '' : row.created_at)
  } finally {
    await rm(path, { force: true })
  }
}

export async function getTrainingSet(
  ctx: Context,
  { trainingSet }: Input<Operations['getTrainingSet']>,
): Promise<TrainingSet> {
  return toTrainingSet(ctx, await requireTrainingSet(ctx, trainingSet))
}

export async function listTrainingSets(
  ctx: Context,
  { limit = 100, cursor }: Input<Operations['listTrainingSets']>,
): Promise<Output<Operations['listTrainingSets']>> {
  const rows = await store.listTrainingSets(ctx, cursor, limit)
  const items: TrainingSet[] = []
  for (const row of rows) items.push(await toTrainingSet(ctx, row))
  return { items, ...nextOf(rows, limit, ({ id }) => id) }
}

/** The mean of the label over the training set: what a model that knows nothing would answer. Null where labels are no numbers. */
export async function labelMean(ctx: Context, trainingSet: string): Promise<number | null> {
  return (await requireTrainingSet(ctx, trainingSet)).label_mean
}

export async function requireTrainingSet(ctx: Context, id: string): Promise<store.TrainingSetRecord> {
  const row = await store.findTrainingSet(ctx, id)
  if (!row) throw notFound('Training set', id, 'List them with "keel api features.listTrainingSets".')
  return row
}

/** The rows of a set are kept under the digest of their file. */
export async function keepRows(ctx: Context, path: string): Promise<string> {
  return (await ctx.blobs.put(createReadStream(path))).digest
}

export async function toTrainingSet(
  ctx: Context,
  row: store.TrainingSetRecord,
  since = row.created_at,
): Promise<TrainingSet> {
  const views = row.service === '' ? [] : (await serviceOf(ctx, row.service)).views
  const pinned = pinnedBy(row)
  const origin = orNull(row.source)
  const sources = [...pinned, ...views.map(({ view }) => view)].map((one) => one.source)
  if (origin !== null) sources.push(origin)
  let vetted = origin !== null
  for (const source of new Set(sources)) vetted &&= (await datasets.describeSource(ctx, source)).vetted
  return {
    id: row.id,
    service: orNull(row.service),
    asOf: row.as_of as TrainingSet['asOf'],
    source: origin,
    from: orNull(row.from_time),
    to: orNull(row.to_time),
    label: row.label,
    columns: row.columns,
    rows: row.row_count,
    digest: row.digest,
    uptoSeq: row.upto_seq,
    sources: await withRemovals(ctx, pinned, since),
    vetted,
    createdAt: row.created_at,
  }
}

async function withRemovals(ctx: Context, pinned: PinnedSource[], since: string): Promise<PinnedSource[]> {
  const told: PinnedSource[] = []
  for (const one of pinned) {
    const removedAt = await datasets.removedSince(ctx, { ...one, since })
    told.push(removedAt === undefined ? one : { ...one, removedAt })
  }
  return told
}
