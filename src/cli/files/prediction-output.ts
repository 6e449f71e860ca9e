import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { exactJson } from '../../core/json/json.ts'
import { identifier, type Lake, literal } from '../../core/lake.ts'
import { type Field, openTable, type Table, type TableOptions, writeTable } from '../../core/tables/tables.ts'

export type Part = {
  row: number
  prediction: number | string | null
  error: string | null
  /** What is to be said of the answer; parts of earlier versions do not say. */
  marks?: string | null
}

/** Forms of output; CSV and JSON lines keep what nobody touched as it is written where the input is of the same form. */
export const outputForms = ['.parquet', '.csv', '.jsonl', '.ndjson'] as const
export type OutputForm = (typeof outputForms)[number]

export type Output = {
  lake: Lake
  table: Table
  input: string
  dialect: TableOptions
  /** The folder of the parts; what is needed on the way is put there too. */
  folder: string
  form: OutputForm
  version: number
  skip: boolean
  to: string
}

/** Puts the rows of a file together with their answers. */
export async function writeOutput(output: Output): Promise<void> {
  const { table, form } = output
  if (form === '.csv' && table.written !== undefined) return copyCsv(output, table.written)
  if (form !== '.csv' && form !== '.parquet' && !isParquet(output.input)) return copyJsonLines(output)
  await copyByEngine(output)
}

const isParquet = (path: string) => path.toLowerCase().endsWith('.parquet')

async function copyCsv({ folder, skip, version, to }: Output, written: NonNullable<Table['written']>): Promise<void> {
  const { separator } = written
  const answers = partsOf(folder)
  await writeText(to, lines())

  async function* lines(): AsyncGenerator<string> {
    let header = true
    for await (const fields of written.records()) {
      const added = header ? ['prediction', 'version', '_marks', ...(skip ? ['_error'] : [])] : await next()
      header = false
      yield `${[...fields, ...added.map(plain)].map((field) => csvField(field, separator)).join(separator)}\n`
    }
  }

  async function next(): Promise<(string | number | null)[]> {
    const { prediction, error, marks = null } = await nextPart(answers)
    return [prediction, version, marks, ...(skip ? [error] : [])]
  }
}

const plain = (value: string | number | null): Field => ({ text: value === null ? '' : String(value), quoted: false })

/** A field that stood in quotes keeps them: `""` is a text, nothing at all is a missing value. */
function csvField({ text, quoted }: Field, separator: string): string {
  const needed = quoted || text.includes(separator) || /["\r\n]/.test(text)
  return needed ? `"${text.replaceAll('"', '""')}"` : text
}

async function copyJsonLines({ table, input, dialect, folder, skip, version, to }: Output): Promise<void> {
  // Of JSON lines every value stays what it was; what was declared was for the question only.
  const rows = table.written === undefined ? await openTable(input, dialect) : table
  const answers = partsOf(folder)
  await writeText(to, lines())

  async function* lines(): AsyncGenerator<string> {
    for await (const batch of rows.read())
      for (const row of batch) {
        const { prediction, error, marks = null } = await nextPart(answers)
        yield `${exactJson({ ...row, prediction, version, _marks: marks, ...(skip ? { _error: error } : {}) })}\n`
      }
  }
}

const formats = {
  '.parquet': 'format parquet, compression zstd',
  '.csv': 'format csv, header',
  '.jsonl': 'format json',
  '.ndjson': 'format json',
} as const

async function copyByEngine({ lake, table, input, folder, form, version, skip, to }: Output): Promise<void> {
  const rows = isParquet(input) ? input : join(folder, 'rows.parquet')
  if (!isParquet(input)) await writeTable(lake, table, rows)
  const parts = `read_json(${literal(join(folder, '*.part'))}, format = 'newline_delimited', columns = {_row: 'BIGINT', prediction: 'JSON', version: 'BIGINT', error: 'VARCHAR', marks: 'VARCHAR'})`
  const columns = table.columns.map((name) => `r.${identifier(name)}`).join(', ')
  await lake.run(
    `copy (select ${columns}, ${await predictionColumn(folder)} as prediction, ${version} as version, p.marks as _marks${skip ? ', p.error as _error' : ''}
      from read_parquet(${literal(rows)}, file_row_number = true) r join ${parts} p on r.file_row_number + 1 = p._row
      order by r.file_row_number) to ${literal(to)} (${formats[form]})`,
  )
}

/** Numbers stay numbers; where a model answers with words, all are words. */
async function predictionColumn(folder: string): Promise<string> {
  for await (const { prediction } of partsOf(folder)) {
    if (prediction === null) continue
    return typeof prediction === 'string' ? `p.prediction ->> '$'` : 'p.prediction::double'
  }
  return 'p.prediction::double'
}

/** Every answer in the order of the rows: names of parts begin with their first row, and so sort in this order. */
async function* partsOf(folder: string): AsyncGenerator<Part> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.part')).sort()
  for (const name of names)
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) }))
      yield JSON.parse(line) as Part
}

async function nextPart(parts: AsyncGenerator<Part>): Promise<Part> {
  const { value, done } = await parts.next()
  if (done === true) throw new Error('There are fewer answers than rows.')
  return value
}

async function writeText(path: string, lines: AsyncIterable<string>): Promise<void> {
  const file = createWriteStream(path)
  for await (const line of lines) if (!file.write(line)) await once(file, 'drain')
  file.end()
  await once(file, 'close')
}
