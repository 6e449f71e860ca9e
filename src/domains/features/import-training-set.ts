import { copyFile, rm } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, invalidInput } from '../../core/errors.ts'
import { identifier, type Lake, literal } from '../../core/lake.ts'
import { scratchPath } from '../../core/scratch.ts'
import { didYouMean } from '../../core/suggest.ts'
import { openTable, type Table, writeTable } from '../../core/tables/tables.ts'
import { transaction } from '../../core/transaction.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as datasets from '../datasets/datasets.ts'
import type { features } from './contract.ts'
import { append } from './events.ts'
import * as store from './store.ts'
import { madeElsewhere, type TrainingSetRecord } from './training-set-record.ts'
import { keepRows, toTrainingSet } from './training-sets.ts'

type Operations = typeof features
type Request = Input<Operations['importTrainingSet']>

/** The column that holds an example's moment in every training set. */
const moment = 'time'

/**
 * A training set whose rows were joined somewhere else: a table of an artifact, taken as it is. It gives a version what a set
 * made here gives: a label mean for the built-in baseline, and what drift, skew and leakage are compared with.
 */
export async function importTrainingSet(
  ctx: Context,
  request: Request,
): Promise<Output<Operations['importTrainingSet']>> {
  const { label, source } = request
  if (source !== undefined) await datasets.describeSource(ctx, source)
  const file = await tableFile(ctx, request)
  const copy = scratchPath(ctx, endingOf(file.path))
  const path = scratchPath(ctx, '.parquet')
  try {
    await copyFile(await ctx.blobs.localPath(file.digest), copy)
    const { table, time } = await openRows(copy, { shown: file.path, time: request.time })
    for (const column of [label, request.time]) if (column !== undefined) requireColumn(table, column, file.path)
    if (time !== undefined && time !== moment && table.columns.includes(moment))
      throw invalidInput(`"${file.path}" has a column "${moment}" beside "${time}".`, {
        name: moment,
        hint: `Rename it: in a training set "${moment}" is the moment of an example.`,
      })
    const written = await ctx.lake.session((lake) => write(lake, table, { path, time, label }))
    const row: TrainingSetRecord = {
      ...madeElsewhere,
      id: ctx.id('ts'),
      source: source ?? madeElsewhere.source,
      from_time: written.from,
      to_time: written.to,
      label: label ?? null,
      columns: written.columns,
      row_count: written.rows,
      digest: await keepRows(ctx, path),
      label_mean: written.labelMean,
      created_at: ctx.now().toISOString(),
    }
    await transaction(ctx, async (ctx) => {
      await store.insertTrainingSet(ctx, row)
      const data = { service: null, asOf: 'known' as const, rows: row.row_count, digest: row.digest }
      await append(ctx, 'features.training_set_created', `training_set/${row.id}`, data)
    })
    return toTrainingSet(ctx, row)
  } finally {
    for (const scratch of [copy, path]) await rm(scratch, { force: true })
  }
}

const tables = /\.(csv|tsv|jsonl|ndjson|parquet)(\.gz)?$/i

const endingOf = (path: string) => tables.exec(path)?.[0]?.toLowerCase() ?? extname(path)

async function tableFile(ctx: Context, { artifact, file }: Request): Promise<{ path: string; digest: string }> {
  const { files } = await artifacts.get(ctx, { digest: artifact })
  const fitting = files.filter(({ path }) => (file === undefined ? tables.test(path) : path === file))
  const [only, ...others] = fitting
  if (only !== undefined && others.length === 0) return only
  const names = files.map(({ path }) => path)
  if (file !== undefined)
    throw invalidInput(`The artifact has no file "${file}".`, { name: file, hint: didYouMean(file, names) })
  throw new AppError(
    'invalid_file',
    only === undefined
      ? 'The artifact holds no table: .csv, .jsonl or .parquet.'
      : `The artifact holds several tables: ${fitting.map(({ path }) => path).join(', ')}.`,
    { name: artifact, hint: 'Name the one that holds the training rows under "file".' },
  )
}

type Opened = { table: Table; time: string | undefined }

/**
 * Opened once, for it is looked at whole. A column that is called as moments are in every training set holds them; where its values
 * cannot be read as such it is a column like any other, and the file is opened again.
 */
async function openRows(copy: string, { shown, time }: { shown: string; time: string | undefined }): Promise<Opened> {
  const withTime = (column: string) => openTable(copy, { shown, types: new Map([[column, 'time']]) })
  if (time !== undefined) return { table: await withTime(time), time }
  try {
    const table = await withTime(moment)
    return { table, time: table.columns.includes(moment) ? moment : undefined }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid_file') throw error
    return { table: await openTable(copy, { shown }), time: undefined }
  }
}

function requireColumn({ columns }: Table, column: string, shown: string): void {
  if (columns.includes(column)) return
  throw invalidInput(`"${shown}" has no column "${column}".`, {
    name: column,
    hint: didYouMean(column, columns) ?? `Its columns: ${columns.join(', ')}.`,
  })
}

type Written = { rows: number; columns: string[]; from: string; to: string; labelMean: number | null }
type Columns = { path: string; time: string | undefined; label: string | undefined }

async function write(lake: Lake, table: Table, { path, time, label }: Columns): Promise<Written> {
  const plain = `${path}.rows.parquet`
  try {
    await writeTable(lake, table, plain)
    const others = table.columns.filter((name) => name !== time)
    const columns = [
      ...(time === undefined ? [] : [`${identifier(time)} as ${identifier(moment)}`]),
      ...others.map(identifier),
    ]
    const rows = await lake.writeParquet(path, `select ${columns.join(', ')} from read_parquet(${literal(plain)})`)
    if (rows === 0) throw new AppError('invalid_file', 'The table has no rows.', { name: 'file' })
    const stored = `read_parquet(${literal(path)})`
    const [facts] = await lake.query(`
      select ${label === undefined ? 'null' : `avg(try_cast(${identifier(label)} as double))`} as mean,
        ${label === undefined ? '0' : `count(${identifier(label)}) - count(try_cast(${identifier(label)} as double))`} as classes,
        ${time === undefined ? 'null' : `epoch_ms(min(${identifier(moment)}))::double`} as first,
        ${time === undefined ? 'null' : `epoch_ms(max(${identifier(moment)}))::double`} as last from ${stored}`)
    const instant = (value: unknown, more: number) =>
      typeof value === 'number' ? new Date(value + more).toISOString() : ''
    return {
      rows,
      columns: [...(time === undefined ? [] : [moment]), ...others],
      from: instant(facts?.['first'], 0),
      to: instant(facts?.['last'], 1),
      labelMean: typeof facts?.['mean'] === 'number' && Number(facts['classes']) === 0 ? facts['mean'] : null,
    }
  } finally {
    await rm(plain, { force: true })
  }
}
