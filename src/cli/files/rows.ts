import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { AppError, hasCode } from '../../core/errors.ts'
import { literal, openLake } from '../../core/lake.ts'
import { parseCsv, typed } from '../../core/tables/tables.ts'

export type Row = Record<string, unknown>

const maximumBytes = 1024 ** 3

/** Rows of a .csv or .jsonl file, also gzipped. In a .csv the columns `texts` stay as they are written. */
export function readRows(path: string, shown = path, texts: readonly string[] = []): Row[] {
  const text = readText(path, shown)
  const name = path.replace(/\.gz$/, '')
  if (name.endsWith('.csv')) {
    return parseCsv(text, `"${shown}"`).map((row) =>
      Object.fromEntries(Object.entries(row).map(([key, value]) => [key, texts.includes(key) ? value : typed(value)])),
    )
  }
  if (name.endsWith('.jsonl') || name.endsWith('.ndjson')) return parseJsonLines(text, shown)
  throw new AppError('invalid_file', `"${shown}" is neither .csv nor .jsonl (golden sets may also be .parquet).`, {
    name: shown,
  })
}

/** Rows of a .csv, .jsonl or .parquet file. */
export async function readItems(path: string, shown = path): Promise<Row[]> {
  if (!path.endsWith('.parquet')) return readRows(path, shown)
  const lake = openLake()
  try {
    const rows = await lake.query(`select * from read_parquet(${literal(path)})`)
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])))
  } catch (cause) {
    throw new AppError('invalid_file', `"${shown}" is not a Parquet file that can be read.`, { name: shown, cause })
  } finally {
    lake.close()
  }
}

/** Parquet has more kinds of values than JSON. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'number' && !Number.isFinite(value) ? null : value
}

function readText(path: string, shown: string): string {
  try {
    const bytes = readFileSync(path)
    return (path.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: maximumBytes }) : bytes).toString('utf8')
  } catch (cause) {
    const missing = hasCode(cause, 'ENOENT')
    const message = missing ? `The file "${shown}" does not exist.` : `The file "${shown}" cannot be read.`
    throw new AppError('invalid_file', message, { name: shown, cause })
  }
}

function parseJsonLines(text: string, shown: string): Row[] {
  return text
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => {
      try {
        const row: unknown = JSON.parse(line)
        if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Row
      } catch (cause) {
        throw new AppError('invalid_file', `"${shown}" line ${number} is not JSON.`, { name: shown, cause })
      }
      throw new AppError('invalid_file', `"${shown}" line ${number} is not an object.`, { name: shown })
    })
}
