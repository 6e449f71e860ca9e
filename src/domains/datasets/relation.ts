import { createReadStream } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { type Context, liveValue } from '../../core/context.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { exactJson } from '../../core/json/json.ts'
import { identifier, type Lake, literal } from '../../core/lake.ts'
import { scratchPath } from '../../core/scratch.ts'
import { transaction } from '../../core/transaction.ts'
import type { Columns, ColumnType, Row } from './rules.ts'
import type { SourceRowsTable } from './schema.ts'
import * as store from './store.ts'

const sqlTypes: Record<ColumnType, string> = {
  number: 'double',
  integer: 'bigint',
  big_integer: 'decimal(20, 0)',
  string: 'varchar',
  boolean: 'boolean',
  time: 'timestamp',
}

export type RowRange = { source: string; uptoSeq?: number | undefined; afterSeq?: number | undefined }

/**
 * A lake session in which `table` holds the rows of a source, typed, with `_seq` and `_ingested_at`:
 * the Parquet segments and the newest rows of the database together.
 */
export async function withSource<T>(
  ctx: Context,
  read: RowRange,
  work: (lake: Lake, table: string) => Promise<T>,
): Promise<T> {
  return ctx.lake.session(async (lake) => {
    await loadSource(ctx, lake, read, 'source_relation')
    return work(lake, 'source_relation')
  })
}

/** The same, into a temporary table of a session that is open already. */
export async function loadSource(
  ctx: Context,
  lake: Lake,
  { source, uptoSeq, afterSeq = 0 }: RowRange,
  table: string,
): Promise<void> {
  const found = await store.findSource(ctx, source)
  if (!found) throw notFound('Source', source, 'List them with "keel data list".')
  const upto = Math.min(uptoSeq ?? found.last_seq, found.last_seq)
  const columns = await store.findColumns(ctx, source, upto)
  // The tail first: what a compaction moves in between is then seen twice and counted once, never missed.
  const newest = await store.tailRows(ctx, source, afterSeq, upto)
  const segments = await store.listSegments(ctx, source, upto)
  const compacted = segments.at(-1)?.to_seq ?? 0
  const tail = newest.filter(({ seq }) => Number(seq) > compacted)
  const names = ['_seq', '_ingested_at', ...Object.keys(columns)]

  await withTailFile(ctx, tail, async (tailPath) => {
    const parts = [selectTyped(jsonRows(tailPath, columns), names, columns)]
    let read = afterSeq
    for (const segment of segments) {
      if (segment.to_seq <= read) continue
      const file = `read_parquet(${literal(await ctx.blobs.localPath(segment.digest))})`
      const rows = selectTyped(file, names, columns, new Set(await columnNames(lake, file)))
      // Two compactions at once once wrote the same rows into two segments.
      parts.push(segment.from_seq > read ? rows : `select * from (${rows}) where _seq > ${read}`)
      read = segment.to_seq
    }
    const all = parts.join(' union all ')
    await lake.run(
      `create temp table ${identifier(table)} as select * from (${all}) where _seq > ${afterSeq} and _seq <= ${upto} order by _seq`,
    )
  })
}

function jsonRows(path: string, columns: Columns): string {
  return `read_json(${literal(path)}, format = 'newline_delimited', columns = ${structOf(columns)})`
}

/** A column that a file does not have yet is null there. */
function selectTyped(relation: string, names: string[], columns: Columns, present = new Set(names)): string {
  const selected = names.map((name) => (present.has(name) ? cast(name, columns) : missing(name, columns)))
  return `select ${selected.join(', ')} from ${relation}`
}

export async function columnNames(lake: Lake, relation: string): Promise<string[]> {
  return (await lake.query(`describe select * from ${relation}`)).map((row) => String(row['column_name']))
}

function sqlType(name: string, columns: Columns): string {
  if (name === '_seq') return 'bigint'
  if (name === '_ingested_at') return 'timestamp'
  return sqlTypes[columns[name] ?? 'string']
}

function cast(name: string, columns: Columns): string {
  return `${identifier(name)}::${sqlType(name, columns)} as ${identifier(name)}`
}

function missing(name: string, columns: Columns): string {
  return `null::${sqlType(name, columns)} as ${identifier(name)}`
}

function structOf(columns: Columns): string {
  const fields = ['_seq', '_ingested_at', ...Object.keys(columns)].map(
    (name) => `${literal(name)}: ${literal(sqlType(name, columns))}`,
  )
  return `{${fields.join(', ')}}`
}

async function withTailFile<T>(
  ctx: Context,
  tail: Omit<SourceRowsTable, 'source'>[],
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = scratchPath(ctx, '.ndjson')
  const lines = tail.map(
    ({ seq, ingested_at, content }) =>
      `{"_seq":${Number(seq)},"_ingested_at":"${ingested_at}"${content === '{}' ? '}' : `,${content.slice(1)}`}\n`,
  )
  await writeFile(path, lines.join(''))
  try {
    return await work(path)
  } finally {
    await rm(path, { force: true })
  }
}

/**
 * Of rows that passed the checks, those that the engine is asked about: all of the first ones that come with these columns, then
 * those that hold more than plain values. A line of plain values is read whatever they are; asking costs more than storing.
 */
function rowsToAsk(ctx: Context, { rows, columns }: { rows: Row[]; columns: Columns }): Row[] {
  if (!readColumns(ctx).has(JSON.stringify(columns))) return rows
  return rows.filter((row) => !isPlainRow(row))
}

/** Columns with their types with which the engine read rows in this process. */
const readColumns = (ctx: Context) => liveValue(ctx, 'datasets.readColumns', () => new Set<string>())
const mostColumns = 1_000

function remember(ctx: Context, columns: Columns): void {
  const known = readColumns(ctx)
  if (known.size >= mostColumns) known.clear()
  known.add(JSON.stringify(columns))
}

/** Printable text without quotes, backslashes and pairs of surrogates, and not so long that a row becomes a large object. */
const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e\xa0-\ud7ff]{0,2000}$/

function isPlainRow(row: Row): boolean {
  const values = Object.values(row)
  return values.length <= 1_000 && values.every(isPlainValue)
}

function isPlainValue(value: unknown): boolean {
  if (typeof value === 'string') return plainText.test(value)
  if (typeof value === 'number')
    return Number.isSafeInteger(value) || (Math.abs(value) < 1e200 && Math.abs(value) > 1e-200)
  return typeof value === 'boolean'
}

/**
 * Reads rows as the analytic engine will, before they are acknowledged: what is stored can be read. Rows that the checks let
 * through and the engine does not would be a defect of the checks; they are refused one by one, by their number.
 */
export async function assertReadable(
  ctx: Context,
  { rows, columns }: { rows: Row[]; columns: Columns },
): Promise<void> {
  const asked = rowsToAsk(ctx, { rows, columns })
  if (asked.length === 0 || (await isReadable(ctx, { rows: asked, columns }))) {
    remember(ctx, columns)
    return
  }
  for (const [index, row] of rows.entries()) {
    if (await isReadable(ctx, { rows: [row], columns })) continue
    throw invalidInput(`Row ${index + 1} holds what the analytic engine cannot read. Nothing was stored.`, {
      name: String(index + 1),
      hint: 'Write the values that are not plain numbers or words as strings.',
    })
  }
}

async function isReadable(ctx: Context, { rows, columns }: { rows: Row[]; columns: Columns }): Promise<boolean> {
  const tail = rows.map((row, index) => ({
    seq: index,
    ingested_at: '2000-01-01T00:00:00.000Z',
    content: exactJson(row),
  }))
  const names = ['_seq', '_ingested_at', ...Object.keys(columns)]
  return withTailFile(ctx, tail, async (path) => {
    const counted = `select count(*) as n, count(columns(*)) from (${selectTyped(jsonRows(path, columns), names, columns)})`
    const [found] = await ctx.lake.query(counted).catch(() => [])
    if (Number(found?.['n'] ?? -1) !== rows.length) return false
    return Object.keys(columns).every(
      (name) => Number(found?.[name] ?? -1) === rows.filter((row) => Object.hasOwn(row, name)).length,
    )
  })
}

/** The numbers of stored rows that the engine cannot read, found by halves. */
export async function unreadableLines(
  ctx: Context,
  tail: Omit<SourceRowsTable, 'source'>[],
  columns: Columns,
): Promise<number[]> {
  const [first] = tail
  if (!first || (await parses(ctx, tail, columns))) return []
  if (tail.length === 1) return [first.seq]
  const middle = Math.ceil(tail.length / 2)
  const found = await unreadableLines(ctx, tail.slice(0, middle), columns)
  return [...found, ...(await unreadableLines(ctx, tail.slice(middle), columns))]
}

function parses(ctx: Context, tail: Omit<SourceRowsTable, 'source'>[], columns: Columns): Promise<boolean> {
  const names = ['_seq', '_ingested_at', ...Object.keys(columns)]
  return withTailFile(ctx, tail, async (path) => {
    const counted = `select count(*), count(columns(*)) from (${selectTyped(jsonRows(path, columns), names, columns)})`
    return ctx.lake.query(counted).then(
      () => true,
      () => false,
    )
  })
}

/** Moves the newest rows into an immutable Parquet segment: the file first, then one transaction that swaps it in. */
export async function compact(ctx: Context, source: string): Promise<{ rows: number }> {
  const segments = await store.listSegments(ctx, source, Number.MAX_SAFE_INTEGER)
  const after = segments.at(-1)?.to_seq ?? 0
  const path = scratchPath(ctx, '.parquet')
  const tail = await store.tailRows(ctx, source, after, Number.MAX_SAFE_INTEGER)
  const last = tail.at(-1)
  if (!last) return { rows: 0 }
  try {
    await withSource(ctx, { source, afterSeq: after, uptoSeq: last.seq }, (lake, table) =>
      lake.writeParquet(path, `select * from ${table} order by _seq`),
    )
    const { digest } = await ctx.blobs.put(createReadStream(path))
    const moved = await transaction(ctx, async (ctx) => {
      const newest = (await store.listSegments(ctx, source, Number.MAX_SAFE_INTEGER)).at(-1)?.to_seq ?? 0
      if (newest !== after) return false
      await store.replaceTail(ctx, { id: ctx.id('seg'), source, from_seq: after + 1, to_seq: last.seq, digest })
      return true
    })
    // Another compaction was faster: its segment holds these rows.
    if (!moved) return { rows: 0 }
  } finally {
    await rm(path, { force: true })
  }
  return { rows: tail.length }
}
