import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { extname, join } from 'node:path'
import { conflict, invalidInput, notFound } from '../../core/errors.ts'
import { identifier, type Lake, literal, openLake } from '../../core/lake.ts'

type Plan = {
  input: string
  size: number
  changed: number
  target: string
  version: number
  time: string | null
  skip: boolean
}
export type Part = { row: number; prediction: number | string | null; error: string | null }

const readers: Record<string, string> = {
  '.parquet': 'read_parquet',
  '.csv': 'read_csv',
  '.jsonl': 'read_json',
  '.ndjson': 'read_json',
}
const writers: Record<string, string> = {
  '.parquet': 'format parquet, compression zstd',
  '.csv': 'format csv, header',
  '.jsonl': 'format json',
  '.ndjson': 'format json',
}
const added = ['prediction', 'version', '_error']

/** A file of predictions in the making: parts beside it that survive any end, put together once all are there. */
export type PredictionFile = {
  /** Rows that need no asking any more. */
  done: number
  total: number
  columns: string[]
  /** Rows after `from`, as JSON values. */
  read(from: number, count: number): Promise<Record<string, unknown>[]>
  write(from: number, parts: Part[]): void
  finish(): Promise<void>
  close(): void
}

function formatOf(path: string, table: Record<string, string>, what: string): string {
  const found = table[extname(path).toLowerCase()]
  if (found !== undefined) return found
  throw invalidInput(`"${path}" is no ${what} that can be used.`, { name: path, hint: 'Use .parquet, .csv or .jsonl.' })
}

/** Begins, or goes on where the same command ended before. */
export async function openPredictionFile(
  output: string,
  { force, ...wish }: Omit<Plan, 'size' | 'changed'> & { force: boolean },
): Promise<PredictionFile> {
  const format = formatOf(output, writers, 'output')
  const reader = formatOf(wish.input, readers, 'input')
  if (!existsSync(wish.input)) throw notFound('File', wish.input)
  if (existsSync(output) && !force)
    throw conflict(`"${output}" exists.`, { name: output, hint: 'Choose another name, or overwrite it with --force.' })
  const { size, mtimeMs } = statSync(wish.input)
  const plan: Plan = { ...wish, size, changed: mtimeMs }
  const folder = `${output}.partial`
  const rows = join(folder, 'rows.parquet')
  const planned = join(folder, 'plan.json')
  // From CSV to CSV every column stays as it is written; the server gets its numbers by name.
  const asWritten = reader === 'read_csv' && format.startsWith('format csv') ? ', all_varchar = true' : ''
  const lake = openLake()
  if (force || (existsSync(folder) && doneIn(folder) === 0)) rmSync(folder, { recursive: true, force: true })
  if (existsSync(planned) && readFileSync(planned, 'utf8') !== JSON.stringify(plan))
    throw conflict(`"${folder}" holds the beginning of something else.`, {
      name: folder,
      hint: 'Begin anew with --force.',
    })
  if (!existsSync(planned)) {
    mkdirSync(folder, { recursive: true })
    await lake
      .writeParquet(rows, `select row_number() over () as _row, * from ${reader}(${literal(wish.input)}${asWritten})`)
      .catch((error: Error) => {
        rmSync(folder, { recursive: true })
        throw invalidInput(`"${wish.input}" cannot be read: ${error.message.split('\n')[0]}`, { name: wish.input })
      })
    durably(planned, JSON.stringify(plan))
  }
  const described = await lake.query(`describe select * exclude (_row) from read_parquet(${literal(rows)})`)
  const columns = described.map((column) => String(column['column_name']))
  const clash = columns.find((name) => added.includes(name))
  if (clash !== undefined) throw invalidInput(`The column "${clash}" is one that the output adds.`, { name: clash })
  const [counted] = await lake.query(`select count(*) as n from read_parquet(${literal(rows)})`)
  return {
    done: doneIn(folder),
    total: Number(counted?.['n']),
    columns,
    read: (from, count) => readRows(lake, rows, from, count),
    write(from, parts) {
      const lines = parts.map(({ row, ...rest }) => JSON.stringify({ _row: row, ...rest, version: plan.version }))
      durably(join(folder, `${String(from).padStart(12, '0')}-${parts.length}.part`), `${lines.join('\n')}\n`)
    },
    async finish() {
      const draft = `${output}.draft`
      const parts = `read_json(${literal(join(folder, '*.part'))}, format = 'newline_delimited', columns = {_row: 'BIGINT', prediction: 'JSON', version: 'BIGINT', error: 'VARCHAR'})`
      const chosen = wish.skip ? ', p.error as _error' : ''
      await lake.run(
        `copy (select r.* exclude (_row), ${predictionColumn(folder)} as prediction, p.version${chosen}
          from read_parquet(${literal(rows)}) r join ${parts} p on r._row = p._row order by r._row) to ${literal(draft)} (${format})`,
      )
      renameSync(draft, output)
      rmSync(folder, { recursive: true })
    },
    close() {
      lake.close()
      // Without a part there is nothing to go on from.
      if (existsSync(folder) && doneIn(folder) === 0) rmSync(folder, { recursive: true })
    },
  }
}

/** Numbers stay numbers; where a model answers with words, all are words. */
function predictionColumn(folder: string): string {
  const first = readdirSync(folder).find((name) => name.endsWith('.part'))
  const lines = first === undefined ? [] : readFileSync(join(folder, first), 'utf8').trim().split('\n')
  const words = lines.some((line) => typeof (JSON.parse(line) as Part).prediction === 'string')
  return words ? `p.prediction ->> '$'` : 'p.prediction::double'
}

function doneIn(folder: string): number {
  const parts = readdirSync(folder).flatMap((name) => /^(\d+)-(\d+)\.part$/.exec(name)?.slice(1).map(Number) ?? [])
  let done = 0
  for (let at = 0; at < parts.length; at += 2) done = Math.max(done, (parts[at] ?? 0) + (parts[at + 1] ?? 0))
  return done
}

async function readRows(lake: Lake, rows: string, from: number, count: number): Promise<Record<string, unknown>[]> {
  const found = await lake.query(
    `select * exclude (_row) from read_parquet(${literal(rows)}) where _row > ${from} and _row <= ${from + count} order by ${identifier('_row')}`,
  )
  return found.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])))
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value)
  return value instanceof Date ? value.toISOString() : value
}

/** There whole or not at all, also after the power fails. */
function durably(path: string, text: string): void {
  const draft = `${path}.draft`
  writeFileSync(draft, text)
  const file = openSync(draft, 'r+')
  fsyncSync(file)
  closeSync(file)
  renameSync(draft, path)
}
