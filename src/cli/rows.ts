import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parseCsv, typed } from '../core/csv.ts'
import { AppError } from '../core/errors.ts'

export type Row = Record<string, unknown>

const maximumBytes = 1024 ** 3

/** Rows of a .csv or .jsonl file, also gzipped. */
export function readRows(path: string, shown = path): Row[] {
  const text = readText(path, shown)
  const name = path.replace(/\.gz$/, '')
  if (name.endsWith('.csv')) {
    return parseCsv(text, `"${shown}"`).map((row) =>
      Object.fromEntries(Object.entries(row).map(([key, value]) => [key, typed(value)])),
    )
  }
  if (name.endsWith('.jsonl') || name.endsWith('.ndjson')) return parseJsonLines(text, shown)
  throw new AppError('invalid_file', `"${shown}" is neither .csv nor .jsonl.`, { name: shown })
}

function readText(path: string, shown: string): string {
  try {
    const bytes = readFileSync(path)
    return (path.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: maximumBytes }) : bytes).toString('utf8')
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
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
