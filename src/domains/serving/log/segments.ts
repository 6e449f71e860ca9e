import { createReadStream } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import type { Context } from '../../../core/context.ts'
import { minute } from '../../../core/duration.ts'
import { identifier, type Lake, literal } from '../../../core/lake.ts'
import { scratchPath } from '../../../core/scratch.ts'
import { millisecondsOf } from '../../../core/time.ts'
import { transaction } from '../../../core/transaction.ts'
import { enqueue } from '../jobs.ts'
import type { SegmentsTable } from '../schema.ts'
import * as store from '../store.ts'
import { bytesOf, type Lines } from './lines.ts'
import { columnTypes, fromRow, type LogRecord } from './log-record.ts'

const mergeFrom = 30
/** What is written before its second is over (`flushAt` of the log) is large enough. */
const smallRows = 10_000
const columns = `{${Object.entries(columnTypes)
  .map(([name, type]) => `${literal(name)}: ${literal(type)}`)
  .join(', ')}}`

const selected = Object.entries(columnTypes)
  .map(([name, type]) => (type === 'json' ? `"${name}"::varchar as "${name}"` : `"${name}"`))
  .join(', ')

/** Writes answers of one endpoint, in the order they came, as one immutable Parquet file, and `within` its transaction whatever belongs to it. */
export async function writeSegment(ctx: Context, lines: Lines, within: (ctx: Context) => Promise<void>): Promise<void> {
  const { endpoint } = lines
  const draft = scratchPath(ctx)
  try {
    await writeFile(`${draft}.ndjson`, bytesOf(lines))
    await ctx.lake.writeParquet(
      `${draft}.parquet`,
      `select ${selected} from read_json(${literal(`${draft}.ndjson`)}, format = 'newline_delimited', columns = ${columns})`,
    )
    const { digest } = await ctx.blobs.put(createReadStream(`${draft}.parquet`))
    const segment: SegmentsTable = {
      id: ctx.id('seg'),
      endpoint,
      from_at: lines.from,
      to_at: lines.to,
      row_count: lines.count,
      digest,
      counted_until: '',
    }
    await transaction(ctx, async (ctx) => {
      await store.insertSegment(ctx, segment)
      if ((await store.segmentsBelow(ctx, endpoint, smallRows)).length >= mergeFrom)
        await enqueue(ctx, { kind: 'serving.merge', payload: { endpoint }, key: `serving.merge/${segment.id}` })
      await planCount(ctx, lines)
      await within(ctx)
    })
  } finally {
    await rm(`${draft}.ndjson`, { force: true })
    await rm(`${draft}.parquet`, { force: true })
  }
}

/** Rows that are older than this when they are written may be of a time that was summed up meanwhile. */
const promptMilliseconds = 30_000
/** Late rows of one minute are looked at together; whatever was written in it has committed some time afterwards. */
const slotMilliseconds = minute

/** In the transaction of the rows: whoever has summed their time up does it again. */
async function planCount(ctx: Context, { endpoint, from }: Lines): Promise<void> {
  const now = ctx.now().getTime()
  if (millisecondsOf(from) > now - promptMilliseconds) return
  const slot = Math.floor(now / slotMilliseconds) * slotMilliseconds
  await enqueue(ctx, {
    kind: 'serving.late',
    payload: { model: endpoint },
    key: `serving.late/${endpoint}/${slot}`,
    runAt: new Date(slot + slotMilliseconds),
  })
}

/** Merges small segments, so that reading months stays cheap. */
export async function mergeSegments(ctx: Context, { endpoint }: { endpoint: string }): Promise<{ merged: number }> {
  const small = await store.segmentsBelow(ctx, endpoint, smallRows)
  if (small.length < 2) return { merged: 0 }
  const path = scratchPath(ctx, '.parquet')
  try {
    const rows = await ctx.lake.writeParquet(path, `select * from ${await relation(ctx, small)} order by "at", id`)
    const { digest } = await ctx.blobs.put(createReadStream(path))
    const from_at = small.map((segment) => segment.from_at).sort()[0] ?? ''
    const to_at =
      small
        .map((segment) => segment.to_at)
        .sort()
        .at(-1) ?? ''
    const counted_until = small.map((segment) => segment.counted_until).sort()[0] ?? ''
    const merged = { id: ctx.id('seg'), endpoint, from_at, to_at, row_count: rows, digest, counted_until }
    const old = small.map(({ id }) => id)
    const replaced = await transaction(ctx, (ctx) => store.replaceSegments(ctx, old, merged))
    return { merged: replaced ? small.length : 0 }
  } finally {
    await rm(path, { force: true })
  }
}

/** Segments as one relation; columns that older ones lack are null. */
async function relation(ctx: Context, segments: SegmentsTable[]): Promise<string> {
  const paths: string[] = []
  for (const { digest } of segments) paths.push(literal(await ctx.blobs.localPath(digest)))
  return `read_parquet([${paths.join(', ')}], union_by_name = true)`
}

/** Rows of the segments under a condition whose values are $1, $2, …. */
export async function readSegments(
  ctx: Context,
  segments: SegmentsTable[],
  { where, values }: { where: string; values: (string | number)[] },
): Promise<LogRecord[]> {
  if (segments.length === 0) return []
  const rows = await ctx.lake.query(`select * from ${await relation(ctx, segments)} where ${where}`, values)
  return rows.map(fromRow)
}

/** The different values of one expression in the segments, under a condition whose values are $1, $2, …. */
export async function readSegmentColumn(
  ctx: Context,
  segments: SegmentsTable[],
  { column, where, values }: { column: string; where: string; values: (string | number)[] },
): Promise<string[]> {
  if (segments.length === 0) return []
  const from = await relation(ctx, segments)
  const rows = await ctx.lake.query(`select distinct ${column} as value from ${from} where ${where}`, values)
  return rows.map(({ value }) => String(value))
}

type PredictionTable = {
  segments: readonly SegmentsTable[]
  /** Of these, the ones that nobody has looked at yet. */
  isFresh: (segment: SegmentsTable) => boolean
  /** Column of the table -> input, as a text; `unit` is the unit where no input is called so. */
  inputs: Record<string, string>
  /** Which of them, by a condition for those in fresh segments and one for the others; without it none. */
  where: { fresh: string; others: string | undefined }
}

/**
 * Predictions of a session's own, as a temporary table: `id`, `predicted_at`, `fresh`, and the inputs that are asked for. Of
 * several answers with one id the first counts; what a shadow said is none.
 */
export async function loadPredictions(
  ctx: Context,
  lake: Lake,
  { segments, isFresh, inputs, where }: PredictionTable,
  table: string,
): Promise<void> {
  const names = Object.keys(inputs)
  const selected = names.map((name) => `${inputAsText(inputs[name] ?? '')} as ${identifier(name)}`)
  const parts: string[] = []
  for (const fresh of [true, false]) {
    const condition = fresh ? where.fresh : where.others
    const some = condition === undefined ? [] : segments.filter((segment) => isFresh(segment) === fresh)
    const from = some.length === 0 ? undefined : await relation(ctx, some)
    if (from !== undefined)
      parts.push(`select ${['id', '"at"', `${fresh} as fresh`, ...selected].join(', ')} from ${from}
        where arm <> 'shadow' and (${condition})`)
  }
  const columns = ['id', `rtrim(min("at"), 'Z')::timestamp as predicted_at`, 'bool_or(fresh) as fresh']
  const first = names.map((name) => `arg_min(${identifier(name)}, "at") as ${identifier(name)}`)
  const none = `select null::varchar as id, null::timestamp as predicted_at, false as fresh
    ${names.map((name) => `, null::varchar as ${identifier(name)}`).join('')} where false`
  const grouped = `select ${[...columns, ...first].join(', ')} from (${parts.join(' union all ')}) group by id`
  await lake.run(`create temp table ${identifier(table)} as ${parts.length === 0 ? none : grouped}`)
}

function inputAsText(input: string): string {
  const path = literal(`/${input.replaceAll('~', '~0').replaceAll('/', '~1')}`)
  const value = `json_extract_string(inputs, ${path})`
  return input === 'unit' ? `coalesce(${value}, unit)` : value
}

/** The condition on predictions with at in [from, to), with what it is asked with; without `to` it has no end. */
export function atBetween(from: string, to: string | undefined): { where: string; values: string[] } {
  if (to === undefined) return { where: '"at" >= $1', values: [from] }
  return { where: '"at" >= $1 and "at" < $2', values: [from, to] }
}
