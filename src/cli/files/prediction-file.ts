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
import { AppError, conflict, invalidInput, notFound } from '../../core/errors.ts'
import { openLake } from '../../core/lake.ts'
import type { Row, Table, TableOptions } from '../../core/tables/tables.ts'
import { type OutputForm, outputForms, type Part, writeOutput } from './prediction-output.ts'
import { openRows, type Say } from './rows.ts'

type Plan = {
  input: string
  size: number
  changed: number
  target: string
  version: number
  time: string | null
  skip: boolean
  /** What was said of the file: read in another way, its rows would be others. */
  dialect: TableOptions
}
type PredictionFileInput = Omit<Plan, 'size' | 'changed'> & {
  /** What the version reads, by column. */
  types: NonNullable<TableOptions['types']>
  shown: string
  force: boolean
  say: Say
}

const added = ['prediction', 'version', '_marks', '_error']

/** A file of predictions in the making: parts beside it that survive any end, put together once all are there. */
export type PredictionFile = {
  /** Rows that need no asking any more. */
  done: number
  total: number
  columns: string[]
  /** The rows that need asking, in batches of at most `count`. */
  read(count: number): AsyncIterable<Row[]>
  write(from: number, parts: Part[]): void
  finish(): Promise<void>
  close(): void
}

/** Begins, or goes on where the same command ended before. */
export async function openPredictionFile(output: string, wish: PredictionFileInput): Promise<PredictionFile> {
  const { input, skip, types, shown, force, say, dialect } = wish
  const form = formOf(output)
  if (!existsSync(input)) throw notFound('File', shown)
  if (existsSync(output) && !force)
    throw conflict(`"${output}" exists.`, { name: output, hint: 'Choose another name, or overwrite it with --force.' })
  // Where rows with errors are skipped, a value that is not what it should be is an error of its row.
  const table = await openRows(input, { ...dialect, types, shown, lenient: skip }, say).catch(withWayOut)
  const clash = table.columns.find((name) => added.includes(name))
  if (clash !== undefined) throw invalidInput(`The column "${clash}" is one that the output adds.`, { name: clash })
  const folder = `${output}.partial`
  begin(folder, planOf(wish), force)
  const done = doneIn(folder)
  const lake = openLake()
  return {
    done,
    total: table.rows,
    columns: table.columns,
    read: (count) => rowsAfter(table, done, count),
    write(from, parts) {
      const lines = parts.map(({ row, ...rest }) => JSON.stringify({ _row: row, ...rest, version: wish.version }))
      durably(join(folder, `${String(from).padStart(12, '0')}-${parts.length}.part`), `${lines.join('\n')}\n`)
    },
    async finish() {
      const draft = `${output}.draft`
      await writeOutput({ lake, table, input, dialect, folder, form, version: wish.version, skip, to: draft })
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

function withWayOut(error: unknown): never {
  if (!(error instanceof AppError) || error.issues === undefined) throw error
  const { code, message, offender: name, hint = 'Mend it.', issues } = error
  const ways = `${hint} Rows like this are left out with --skip-invalid.`
  throw new AppError(code, message, { name, hint: ways, issues, cause: error })
}

function formOf(path: string): OutputForm {
  const found = outputForms.find((form) => form === extname(path).toLowerCase())
  if (found !== undefined) return found
  throw invalidInput(`"${path}" is no output that can be used.`, { name: path, hint: 'Use .parquet, .csv or .jsonl.' })
}

function planOf({ input, target, version, time, skip, dialect }: PredictionFileInput): Plan {
  const { size, mtimeMs } = statSync(input)
  return { input, target, version, time, skip, dialect, size, changed: mtimeMs }
}

function begin(folder: string, plan: Plan, force: boolean): void {
  const planned = join(folder, 'plan.json')
  if (force || (existsSync(folder) && doneIn(folder) === 0)) rmSync(folder, { recursive: true, force: true })
  if (existsSync(planned) && readFileSync(planned, 'utf8') !== JSON.stringify(plan))
    throw conflict(`"${folder}" holds the beginning of something else.`, {
      name: folder,
      hint: 'Begin anew with --force.',
    })
  if (existsSync(planned)) return
  mkdirSync(folder, { recursive: true })
  durably(planned, JSON.stringify(plan))
}

function doneIn(folder: string): number {
  const parts = readdirSync(folder).flatMap((name) => /^(\d+)-(\d+)\.part$/.exec(name)?.slice(1).map(Number) ?? [])
  let done = 0
  for (let at = 0; at < parts.length; at += 2) done = Math.max(done, (parts[at] ?? 0) + (parts[at + 1] ?? 0))
  return done
}

async function* rowsAfter(table: Table, done: number, count: number): AsyncGenerator<Row[]> {
  let waiting: Row[] = []
  let seen = 0
  for await (const batch of table.read()) {
    const unasked = batch.slice(Math.max(0, done - seen))
    seen += batch.length
    waiting.push(...unasked)
    while (waiting.length >= count) {
      yield waiting.slice(0, count)
      waiting = waiting.slice(count)
    }
  }
  if (waiting.length > 0) yield waiting
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
