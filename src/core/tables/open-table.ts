import { AppError } from '../errors.ts'
import { parseIsoTime } from '../time.ts'
import { openCsv } from './csv-table.ts'
import { readText } from './encoding.ts'
import { openJsonLines } from './json-lines-table.ts'
import { openParquet } from './parquet-table.ts'
import type { Table, TableOptions } from './table.ts'
import { timeFormat } from './time-format.ts'
import type { TimeReader } from './values.ts'

const readers = {
  '.csv': openCsvFile,
  '.tsv': openCsvFile,
  '.jsonl': openJsonLines,
  '.ndjson': openJsonLines,
  '.parquet': openParquet,
}

/**
 * Opens a file of rows, whatever its form: .csv, .tsv, .jsonl or .parquet, the texts also gzipped. It is looked at whole
 * before anything is handed on: what is wrong is refused by row and column, and nothing is rounded, dropped or replaced.
 */
export async function openTable(path: string, options: TableOptions = {}): Promise<Table> {
  const shown = options.shown ?? path
  const name = path.replace(/\.gz$/i, '').toLowerCase()
  const found = Object.entries(readers).find(([ending]) => name.endsWith(ending))
  if (!found)
    throw new AppError('invalid_file', `"${shown}" is not .csv, .jsonl or .parquet.`, {
      name: shown,
      hint: /\.xlsx?$/.test(name) ? 'Save the sheet as "CSV UTF-8".' : 'CSV and JSON lines may be gzipped.',
    })
  return found[1](path, { ...options, shown: `"${shown}"`, readTime: timeReaderOf(options) })
}

/** The same for a CSV that is no file, such as the body of a request. */
export function openCsvText(text: string, { shown = 'The CSV', ...options }: TableOptions): Promise<Table> {
  async function* whole(): AsyncGenerator<string> {
    yield text.startsWith('\uFEFF') ? text.slice(1) : text
  }
  return openCsv(whole, { ...options, shown, readTime: timeReaderOf(options) })
}

function openCsvFile(path: string, options: TableOptions & { shown: string; readTime: TimeReader }): Promise<Table> {
  return openCsv(() => readText({ path, shown: options.shown, encoding: options.encoding }), options)
}

function timeReaderOf({ timeFormat: format }: TableOptions): TimeReader {
  return format === undefined ? parseIsoTime : timeFormat(format)
}
