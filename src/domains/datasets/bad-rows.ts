import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { parseExactJson } from '../../core/json/json.ts'
import { fromLake, literal } from '../../core/lake.ts'
import { isRefusal, shortened, toDeclared, unfitText } from '../../core/tables/tables.ts'
import type { datasets } from './contract.ts'
import { columnNames, unreadableLines } from './relation.ts'
import { requireSource } from './required-source.ts'
import { type Columns, type ColumnType, declaredColumns, type KeyTypes, type Row } from './rules.ts'
import type { SourceSegmentsTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof datasets
type Report = Output<Operations['checkStoredRows']>
type BadCell = Report['bad'][number]

const shownCells = 100
const block = 50_000

type StoredRow = { seq: number; row: Row }

/** Rows that an older version took and that this one would not: what they break, by number and column. */
export async function checkStoredRows(ctx: Context, { source }: Input<Operations['checkStoredRows']>): Promise<Report> {
  return check(ctx, source, Number.POSITIVE_INFINITY)
}

export async function firstBadCell(ctx: Context, source: string): Promise<BadCell | undefined> {
  return (await check(ctx, source, 1)).bad[0]
}

async function check(ctx: Context, source: string, enough: number): Promise<Report> {
  const { definition, keys } = await requireSource(ctx, source)
  const keyTypes = new Map(Object.entries(keys ?? {}))
  const columns = await store.findColumns(ctx, source)
  const segments = await store.listSegments(ctx, source, Number.MAX_SAFE_INTEGER)
  const names = spellings(Object.keys(declaredColumns(definition)))
  const report: Report = { rows: 0, bad: [], count: 0 }
  const look = (rows: StoredRow[]) => {
    report.rows += rows.length
    for (const cell of rows.flatMap(({ seq, row }) =>
      badCells(row, columns, names, keyTypes).map((bad) => ({ seq, ...bad })),
    )) {
      report.count += 1
      if (report.bad.length < shownCells) report.bad.push(cell)
    }
  }
  const after = segments.at(-1)?.to_seq ?? 0
  if (enough === 1) {
    look(parsed(await store.tailRows(ctx, source, after, Number.MAX_SAFE_INTEGER)))
    if (report.count > 0) return report
  }
  for (const segment of segments) {
    for await (const rows of rowsOf(ctx, segment)) look(rows)
    if (report.count >= enough) return report
  }
  const tail = await store.tailRows(ctx, source, after, Number.MAX_SAFE_INTEGER)
  if (enough > 1) look(parsed(tail))
  if (report.count > 0) return report
  for (const seq of await unreadableLines(ctx, tail, columns)) {
    report.count += 1
    if (report.bad.length < shownCells)
      report.bad.push({ seq, column: '', value: 'a value', rule: 'cannot be read by the analytic engine' })
  }
  return report
}

function parsed(tail: { seq: number; content: string }[]): StoredRow[] {
  return tail.map(({ seq, content }) => ({ seq, row: parseExactJson(content) as Row }))
}

async function* rowsOf(ctx: Context, segment: SourceSegmentsTable): AsyncGenerator<StoredRow[]> {
  const file = `read_parquet(${literal(await ctx.blobs.localPath(segment.digest))})`
  const to = segment.to_seq
  const names = (await columnNames(ctx.lake, file)).filter((name) => name !== '_seq' && name !== '_ingested_at')
  for (let from = segment.from_seq; from <= to; from += block) {
    const found = await ctx.lake.query(
      `select * from ${file} where _seq >= ${from} and _seq < ${from + block} order by _seq`,
    )
    yield found.map((row) => ({
      seq: Number(row['_seq']),
      row: Object.fromEntries(names.map((name) => [name, fromLake(row[name])])),
    }))
  }
}

/** A name as the analytic engine takes it -> the spelling that came first. */
const spellings = (names: string[]) => new Map(names.map((name) => [name.toLowerCase(), name]))

function badCells(
  row: Row,
  columns: Columns,
  names: Map<string, string>,
  keys: Map<string, KeyTypes[string]>,
): Omit<BadCell, 'seq'>[] {
  const bad: Omit<BadCell, 'seq'>[] = []
  const types = new Map(Object.entries(columns))
  for (const [column, value] of Object.entries(row)) {
    const first = names.get(column.toLowerCase())
    if (first === undefined) names.set(column.toLowerCase(), column)
    const rule = nameRule(column, first) ?? valueRule(value, types.get(column)) ?? keyRule(value, keys.get(column))
    if (rule !== undefined) bad.push({ column: column.toWellFormed(), value: shortened(value).toWellFormed(), rule })
  }
  return bad
}

function nameRule(column: string, first: string | undefined): string | undefined {
  const unfit = unfitText(column)
  if (unfit !== undefined) return `is in a column whose name ${unfit}`
  if (column.startsWith('_')) return 'is in a column whose name begins with "_"'
  if (first === undefined || first === column) return undefined
  return `is in a column whose name differs from "${first}" in nothing but case`
}

function keyRule(value: unknown, type: KeyTypes[string] | undefined): string | undefined {
  const read = type === undefined ? null : toDeclared(value, type)
  return isRefusal(read) ? `${read.rule}: it is a key` : undefined
}

const greatestSigned = 2n ** 63n - 1n

function valueRule(value: unknown, type: ColumnType | undefined): string | undefined {
  const unfit = typeof value === 'string' ? unfitText(value) : undefined
  if (unfit !== undefined) return unfit
  if (type === undefined) return undefined
  if (type === 'integer' && typeof value === 'bigint' && value > greatestSigned)
    return 'does not fit into 64 bits, signed'
  const read = toDeclared(value, type === 'big_integer' ? 'integer' : type)
  return isRefusal(read) ? read.rule : undefined
}
