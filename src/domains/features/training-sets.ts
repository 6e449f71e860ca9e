import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Context } from '../../core/context.ts'
import type { BytesReply, Input, Output } from '../../core/contract.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { identifier, type Lake, literal } from '../../core/lake.ts'
import { scratchPath } from '../../core/scratch.ts'
import { didYouMean } from '../../core/suggest.ts'
import { transaction } from '../../core/transaction.ts'
import { append } from '../../core/work/work.ts'
import * as datasets from '../datasets/datasets.ts'
import type { features } from './contract.ts'
import { serviceOf } from './definitions.ts'
import { joinService, lookupAsOf } from './join-service.ts'
import { fromLake } from './online-state.ts'
import type { ResolvedService } from './rules.ts'
import type { TrainingSetsTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof features
type TrainingSet = Output<Operations['getTrainingSet']>

/** Rows of the source are the examples; each is joined to the service as of its own time. Same inputs, same bytes. */
export async function createTrainingSet(
  ctx: Context,
  input: Input<Operations['createTrainingSet']>,
): Promise<TrainingSet> {
  const { service, source, label, asOf = 'known' } = input
  const [from, to] = [new Date(input.from).toISOString(), new Date(input.to).toISOString()]
  const resolved = await serviceOf(ctx, service)
  const { definition, lastSeq } = await datasets.getSource(ctx, { source })
  if (definition.time === undefined)
    throw invalidInput(`The source "${source}" declares no time column.`, { name: source })
  const uptoSeq = Math.min(input.uptoSeq ?? lastSeq, lastSeq)
  const path = scratchPath(ctx, '.parquet')
  try {
    const time = definition.time
    const made = await ctx.lake.session(async (lake) => {
      await datasets.loadSource(ctx, lake, { source, uptoSeq }, 'examples')
      const columns = exampleColumns(await tableColumns(lake, 'examples'), { resolved, label, source, time })
      await lake.run(`
        create temp table entities as
        select row_number() over (order by ${identifier(time)}, _seq) as _row, ${identifier(time)} as _moment, * from examples
        where ${identifier(time)} >= ${literal(from)}::timestamp and ${identifier(time)} < ${literal(to)}::timestamp`)
      const limits = Object.fromEntries([[source, uptoSeq]])
      const table = await joinService(ctx, lake, {
        resolved,
        entities: 'entities',
        asOfKnown: asOf === 'known',
        uptoSeq: limits,
      })
      const features = resolved.views.flatMap((view) => view.features)
      const selected = [
        ...columns.map((name) => `e.${identifier(name)}`),
        ...features.map((name) => `f.${identifier(name)}`),
      ]
      if (label !== undefined) selected.push(`e.${identifier(label)}`)
      const rows = await lake.writeParquet(
        path,
        `select e._seq as seq, e._moment as "time", ${selected.join(', ')} from entities e join ${table} f using (_row) order by _row`,
      )
      const [mean] =
        label === undefined
          ? []
          : await lake.query(`select avg(${identifier(label)}::double) as m from read_parquet(${literal(path)})`)
      return {
        rows,
        names: ['seq', 'time', ...columns, ...features, ...(label === undefined ? [] : [label])],
        mean: fromLake(mean?.['m']),
      }
    })
    if (made.rows === 0)
      throw invalidInput(`No rows of "${source}" have a time from ${from} to ${to}.`, { name: source })
    const { digest } = await ctx.blobs.put(createReadStream(path))
    const row: TrainingSetsTable = {
      id: ctx.id('ts'),
      service,
      as_of: asOf,
      source,
      from_time: from,
      to_time: to,
      label: label ?? null,
      columns: JSON.stringify(made.names),
      row_count: made.rows,
      digest,
      upto_seq: uptoSeq,
      label_mean: typeof made.mean === 'number' ? made.mean : null,
      created_at: ctx.now().toISOString(),
    }
    await transaction(ctx, async (ctx) => {
      await store.insertTrainingSet(ctx, row)
      await append(ctx, 'features.training_set_created', `training_set/${row.id}`, {
        service,
        asOf,
        rows: made.rows,
        digest,
      })
    })
    return toTrainingSet(ctx, row)
  } finally {
    await rm(path, { force: true })
  }
}

async function tableColumns(lake: Lake, table: string): Promise<string[]> {
  return (await lake.query(`describe ${table}`)).map((row) => String(row['column_name']))
}

type Wanted = { resolved: ResolvedService; label: string | undefined; source: string; time: string }

/** The request fields, as the source has them; each must be there. */
function exampleColumns(present: string[], { resolved, label, source }: Wanted): string[] {
  const wanted = resolved.request.map(({ name }) => name)
  for (const name of [...wanted, ...(label === undefined ? [] : [label])]) {
    if (!present.includes(name))
      throw invalidInput(`The source "${source}" has no column "${name}".`, { name, hint: didYouMean(name, present) })
  }
  return wanted
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
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items, ...(last ? { next: last.id } : {}) }
}

/** The mean of the label over the training set: what a model that knows nothing would answer. */
export async function labelMean(ctx: Context, trainingSet: string): Promise<number> {
  const { label_mean: mean } = await requireTrainingSet(ctx, trainingSet)
  if (mean === null) throw invalidInput(`The training set "${trainingSet}" has no label.`, { name: trainingSet })
  return mean
}

export async function downloadTrainingSet(
  ctx: Context,
  input: Input<Operations['downloadTrainingSet']>,
): Promise<BytesReply> {
  const { trainingSet, format = 'csv' } = input
  const row = await requireTrainingSet(ctx, trainingSet)
  if (format === 'parquet') {
    const size = await ctx.blobs.size(row.digest)
    return {
      stream: await ctx.blobs.read(row.digest),
      size,
      contentType: 'application/vnd.apache.parquet',
      filename: `${trainingSet}.parquet`,
    }
  }
  const path = scratchPath(ctx, '.csv')
  try {
    await ctx.lake.run(`
      copy (select * replace (strftime("time", '%Y-%m-%dT%H:%M:%S.%gZ') as "time") from read_parquet(${literal(await ctx.blobs.localPath(row.digest))}))
      to ${literal(path)} (format csv, header true)`)
    const { readFile } = await import('node:fs/promises')
    const bytes = await readFile(path)
    return {
      stream: Readable.from([bytes]),
      size: bytes.length,
      contentType: 'text/csv; charset=utf-8',
      filename: `${trainingSet}.csv`,
    }
  } finally {
    await rm(path, { force: true })
  }
}

/** Rows of a training set, evenly spread, as plain values with ISO times. */
export async function trainingRows(
  ctx: Context,
  trainingSet: string,
  sample?: number,
): Promise<Record<string, unknown>[]> {
  const row = await requireTrainingSet(ctx, trainingSet)
  const step = sample === undefined ? 1 : Math.max(1, Math.floor(Number(row.row_count) / sample))
  const path = literal(await ctx.blobs.localPath(row.digest))
  const rows = await ctx.lake.query(
    `select * from (select *, row_number() over () as _n from read_parquet(${path})) where _n % ${step} = 0`,
  )
  return rows.map((found) => Object.fromEntries(Object.entries(found).map(([name, value]) => [name, fromLake(value)])))
}

const defaultSample = 2_000
const defaultTolerance = 1e-9

/** Recomputes a sample as serving would see it: as of known, whatever rule the set was made by. */
export async function parity(ctx: Context, input: Input<Operations['parity']>): Promise<Output<Operations['parity']>> {
  const { trainingSet, sample = defaultSample, tolerance = defaultTolerance } = input
  const row = await requireTrainingSet(ctx, trainingSet)
  const resolved = await serviceOf(ctx, row.service)
  const rows = await trainingRows(ctx, trainingSet, sample)
  const served = await lookupAsOf(ctx, {
    service: row.service,
    rows: rows.map((found) => ({ time: String(found['time']), request: found })),
    asOf: 'known',
  })
  const features = resolved.views.flatMap((view) => view.features)
  return { trainingSet, tolerance, features: features.map((feature) => compare(feature, rows, served, tolerance)) }
}

function compare(
  feature: string,
  rows: Record<string, unknown>[],
  served: Record<string, unknown>[],
  tolerance: number,
) {
  let differing = 0
  let total = 0
  let both = 0
  for (const [index, row] of rows.entries()) {
    const [trained, now] = [row[feature] ?? null, served[index]?.[feature] ?? null]
    if (typeof trained === 'number' && typeof now === 'number') {
      const difference = Math.abs(trained - now)
      total += difference
      both += 1
      if (difference > tolerance) differing += 1
    } else if (trained !== now) differing += 1
  }
  return {
    feature,
    rows: rows.length,
    differing,
    share: rows.length === 0 ? 0 : differing / rows.length,
    meanDifference: both === 0 ? 0 : total / both,
  }
}

async function requireTrainingSet(ctx: Context, id: string): Promise<TrainingSetsTable> {
  const row = await store.findTrainingSet(ctx, id)
  if (!row) throw notFound('Training set', id, 'List them with "keel api features.listTrainingSets".')
  return row
}

async function toTrainingSet(ctx: Context, row: TrainingSetsTable): Promise<TrainingSet> {
  const resolved = await serviceOf(ctx, row.service)
  const sources = [row.source, ...resolved.views.map(({ view }) => view.source)]
  let vetted = true
  for (const source of new Set(sources)) vetted &&= (await datasets.getSource(ctx, { source })).vetted
  return {
    id: row.id,
    service: row.service,
    asOf: row.as_of as TrainingSet['asOf'],
    source: row.source,
    from: row.from_time,
    to: row.to_time,
    label: row.label,
    columns: JSON.parse(row.columns) as string[],
    rows: Number(row.row_count),
    digest: row.digest,
    uptoSeq: Number(row.upto_seq),
    vetted,
    createdAt: row.created_at,
  }
}
