import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError, invalidInput } from '../../../core/errors.ts'
import { identifier, type Lake, literal } from '../../../core/lake.ts'
import {
  type ColumnKind,
  type CompatResult,
  datasetDrifted,
  embeddingDiscrepancy,
  evidentlyTest,
  nannymlTest,
} from '../../../core/stats/evidently-nannyml.ts'
import { type MissingCount, type MissingShare, tooFewToTell } from '../../../core/stats/missing-share.ts'
import { didYouMean } from '../../../core/suggest.ts'
import { openTable, type TableOptions, writeTable } from '../../../core/tables/tables.ts'
import { countMissing } from './count-missing.ts'
import { largeColumn } from './large-column.ts'

export const tools = ['evidently', 'nannyml'] as const
export type Tool = (typeof tools)[number]

type Input = {
  reference: string
  current: string
  tool: Tool
  /** The kinds of columns where they are given instead of inferred. */
  kinds?: Record<string, ColumnKind>
  columns?: string[]
  /** Values of both sides up to which a column is compared exactly (200,000). */
  exactUpTo?: number
  onColumn?: (done: number, total: number) => void
  /** How the files are written, where it cannot be told from them. */
  dialect?: TableOptions
  /** What was found in a file and not said by anybody. */
  onNote?: (note: string) => void
}

export type FileDrift = {
  tool: Tool
  rows: { reference: number; current: number }
  /** `drifted`: the table by the tool's rule, or a share of missing values. `cannot_tell`: a file without rows, or no column judged. */
  verdict: 'drifted' | 'steady' | 'cannot_tell'
  /** By the tool's rule, over the columns that were judged. */
  drifted: boolean
  /** Only columns of which both files have enough values for a test. */
  columns: (CompatResult & { bound?: number })[]
  /** How many values are missing now, of every column that both files have. */
  missing: ({ column: string } & MissingShare)[]
  /** Columns that no test judged: neither drifted nor steady. */
  notJudged: { column: string; because: string }[]
}

const usuallyExactUpTo = 200_000

/** Texts and embeddings are compared by a classifier, on a sample of this size. */
const textSample = 20_000

/** Compares two files (.parquet, .csv, .jsonl) column by column with another tool's default tests and thresholds. */
export async function fileDrift(lake: Lake, input: Input): Promise<FileDrift> {
  const scratch = mkdtempSync(join(tmpdir(), 'keel-drift-'))
  try {
    return await lake.session((lake) => compare(lake, input, scratch))
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

async function compare(lake: Lake, input: Input, scratch: string): Promise<FileDrift> {
  const tables = {
    reference: await relation(lake, input, { path: input.reference, copy: join(scratch, 'reference.parquet') }),
    current: await relation(lake, input, { path: input.current, copy: join(scratch, 'current.parquet') }),
  }
  const [before, now] = [
    tables.reference === nothing ? new Map() : await columnsOf(lake, tables.reference, input.reference),
    tables.current === nothing ? new Map() : await columnsOf(lake, tables.current, input.current),
  ]
  const rows = { reference: await countOf(lake, tables.reference), current: await countOf(lake, tables.current) }
  const notJudged = [...before.keys(), ...now.keys()]
    .filter((name) => !(before.has(name) && now.has(name)) && (input.columns?.includes(name) ?? true))
    .map((column) => ({
      column,
      because:
        tables.reference === nothing || tables.current === nothing
          ? 'a file has no rows'
          : before.has(column)
            ? 'it is gone from the current file'
            : 'the reference does not have it',
    }))
  const wanted = input.columns ?? [...before.keys()].filter((name) => now.has(name))
  for (const name of [...wanted, ...Object.keys(input.kinds ?? {})]) {
    if (!before.has(name))
      throw invalidInput(`Column "${name}" does not exist in the reference.`, {
        name,
        hint: didYouMean(name, [...before.keys()]),
      })
  }
  const common = wanted.filter((name) => now.has(name))
  const missing = await countMissing(lake, { tables, columns: common, types: { reference: before, current: now } })
  const columns: FileDrift['columns'] = []
  for (const [index, column] of common.entries()) {
    const types = { reference: before.get(column) ?? '', current: now.get(column) ?? '' }
    const kind = input.kinds?.[column] ?? (await inferKind(lake, tables.reference, column, types.reference, input.tool))
    const because = whyNotJudged(types, kind, missing.counts.get(column))
    if (kind === undefined || because !== undefined) notJudged.push({ column, because: because ?? 'no test fits' })
    else {
      const results = await compareColumn(lake, { ...input, tables, rows, column, kind })
      const told = results.filter(
        ({ value, drifted }) => drifted || (canTell(missing.counts.get(column)) && !Number.isNaN(value)),
      )
      columns.push(...told)
      if (told.length === 0) notJudged.push({ column, because: tooFew(missing.counts.get(column)) })
    }
    input.onColumn?.(index + 1, common.length)
  }
  const drifted = datasetDrifted(columns)
  return {
    tool: input.tool,
    rows,
    verdict: verdictOf(rows, columns, drifted, missing.shares),
    drifted,
    columns,
    missing: missing.shares,
    notJudged,
  }
}

function verdictOf(
  rows: FileDrift['rows'],
  columns: FileDrift['columns'],
  drifted: boolean,
  missing: FileDrift['missing'],
): FileDrift['verdict'] {
  if (rows.reference === 0 || rows.current === 0) return 'cannot_tell'
  if (drifted || missing.some(({ changed }) => changed)) return 'drifted'
  return columns.length === 0 ? 'cannot_tell' : 'steady'
}

type Counts = { reference: MissingCount; now: MissingCount }

const present = ({ missing, n }: MissingCount) => n - missing

/** Why no test of values is asked about a column; nothing where one is. */
function whyNotJudged(
  types: { reference: string; current: string },
  kind: ColumnKind | undefined,
  counts: Counts | undefined,
): string | undefined {
  if (!counts || counts.reference.n === 0 || counts.now.n === 0) return 'a file has no rows'
  const both = present(counts.reference) === 0 && present(counts.now) === 0
  if (both) return 'it has no values in either file'
  if (present(counts.reference) === 0) return 'all of its values are missing in the reference'
  if (present(counts.now) === 0) return 'all of its values are missing in the current file'
  if (kind === undefined) return `no test fits ${types.reference.toLowerCase()}`
  if (kind === 'numeric' && types.current === 'VARCHAR' && types.reference !== 'VARCHAR')
    return 'it holds numbers in the reference and text in the current file'
  return undefined
}

function canTell(counts: Counts | undefined): boolean {
  return counts !== undefined && !tooFewToTell(present(counts.reference), present(counts.now))
}

function tooFew(counts: Counts | undefined): string {
  if (!counts || canTell(counts)) return 'its values are too few for the test'
  return `${present(counts.reference)} and ${present(counts.now)} values are too few to tell anything from chance`
}

type ColumnInput = Pick<Input, 'tool' | 'exactUpTo'> & {
  tables: { reference: string; current: string }
  rows: { reference: number; current: number }
  column: string
  kind: ColumnKind
}

async function compareColumn(
  lake: Lake,
  { tool, tables, rows, column, kind, exactUpTo = usuallyExactUpTo }: ColumnInput,
): Promise<FileDrift['columns']> {
  if (rows.reference + rows.current > exactUpTo && tool === 'evidently' && kind !== 'text' && kind !== 'embedding') {
    const large = await largeColumn(lake, { tables, column, kind })
    if (large) return [{ column, kind, ...large }]
  }
  const values = async (table: string) => {
    const name = identifier(column)
    const selected =
      { numeric: `${name}::double`, embedding: `to_json(${name})::varchar` }[String(kind)] ?? `${name}::varchar`
    const some =
      kind === 'text' || kind === 'embedding' ? ` using sample reservoir(${textSample} rows) repeatable (1)` : ''
    const found = await lake.query(`select ${selected} as v from ${table} where ${name} is not null${some}`)
    return found.map(({ v }) => (kind === 'embedding' ? (JSON.parse(String(v)) as unknown) : v))
  }
  const pair = { column, kind, reference: await values(tables.reference), current: await values(tables.current) }
  if (kind === 'embedding') return [evidentlyTest(pair), embeddingDiscrepancy(pair)]
  return [tool === 'evidently' ? evidentlyTest(pair) : nannymlTest(pair)]
}

/** Of a file that does not even name its columns. */
const nothing = '(select null where false)'

/** The engine reads Parquet, whose types are written in it; of any other file it gets what the one reader of tables found. */
async function relation(
  lake: Lake,
  { dialect, onNote }: Input,
  { path, copy }: { path: string; copy: string },
): Promise<string> {
  if (path.toLowerCase().endsWith('.parquet')) return `read_parquet(${literal(path)})`
  if (/\.(csv|jsonl)$/i.test(path) && statSync(path, { throwIfNoEntry: false })?.size === 0) return nothing
  const table = await openTable(path, dialect)
  for (const note of table.notes) onNote?.(`${path}: ${note}`)
  if (table.columns.length === 0) return nothing
  await writeTable(lake, table, copy)
  return `read_parquet(${literal(copy)})`
}

async function columnsOf(lake: Lake, table: string, path: string): Promise<Map<string, string>> {
  try {
    const rows = await lake.query(`describe select * from ${table}`)
    return new Map(rows.map((row) => [String(row['column_name']), String(row['column_type'])]))
  } catch (cause) {
    throw new AppError('invalid_file', `The file "${path}" cannot be read as a table.`, { name: path, cause })
  }
}

async function countOf(lake: Lake, table: string): Promise<number> {
  const [row] = await lake.query(`select count(*) as n from ${table}`)
  return Number(row?.['n'])
}

const wholeNumbers = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/
const embeddings = /^(DOUBLE|FLOAT)\[\d*\]$/
const fractions = /^(DOUBLE|FLOAT|DECIMAL.*)$/
const fewWholeNumbers = 10

/** The kind that the tool would infer. Evidently treats integers with at most ten values, and texts that repeat, as categories. */
async function inferKind(
  lake: Lake,
  table: string,
  column: string,
  type: string,
  tool: Tool,
): Promise<ColumnKind | undefined> {
  if (embeddings.test(type)) return 'embedding'
  if (fractions.test(type)) return 'numeric'
  if (type === 'BOOLEAN') return 'categorical'
  if (!wholeNumbers.test(type) && type !== 'VARCHAR') return undefined
  if (tool === 'nannyml') return wholeNumbers.test(type) ? 'numeric' : 'categorical'
  const name = identifier(column)
  const [row] = await lake.query(`select approx_count_distinct(${name}) as u, count(${name}) as n from ${table}`)
  const some = Number(row?.['u']) < 1_000
  const exact = some ? (await lake.query(`select count(distinct ${name}) as u from ${table}`))[0]?.['u'] : row?.['u']
  const [distinct, count] = [Number(exact), Number(row?.['n'])]
  if (wholeNumbers.test(type)) return distinct <= fewWholeNumbers ? 'categorical' : 'numeric'
  return distinct > count * 0.5 ? 'text' : 'categorical'
}
