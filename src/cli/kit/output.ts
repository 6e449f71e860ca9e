import { interval, number } from '../../client/format.ts'
import type { Estimate } from '../../core/contract.ts'

/** A number is never shown without its interval (when there is one) and its n. */
export function estimate({ value, lower, upper, n }: Estimate, digits = 3): string {
  const bounds = interval({ lower, upper }, digits)
  return `${number(value, digits)}${bounds === '' ? '' : ` [${bounds.replace(' …', ',')}]`} (n ${n})`
}

export type Cell = string | number | null | undefined

/** Aligned columns; a column whose cells are all numbers is set to the right. */
export function table(headers: string[], rows: Cell[][]): string {
  if (rows.length === 0) return 'None.'
  const cells = rows.map((row) => row.map((cell) => (cell === null || cell === undefined ? '–' : String(cell))))
  const numeric = headers.map((_, column) =>
    rows.every((row) => typeof row[column] === 'number' || row[column] == null),
  )
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...cells.map((row) => row[column]?.length ?? 0)),
  )
  const format = (row: string[]) =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  return [format(headers), ...cells.map(format)].join('\n')
}

/** `name  value` lines. */
export function facts(entries: [string, Cell][]): string {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value ?? '–'}`).join('\n')
}

/** Only the fields asked for, `a.b` for one inside another; of every item when it is a list. */
export function pick(data: unknown, fields: string[]): unknown {
  if (fields.length === 0) return data
  if (Array.isArray(data)) return data.map((item) => pick(item, fields))
  return Object.fromEntries(fields.map((field) => [field, at(data, field)]))
}

function at(data: unknown, field: string): unknown {
  if (typeof data !== 'object' || data === null) return null
  const record = data as Record<string, unknown>
  if (field in record) return record[field] ?? null
  const dot = field.indexOf('.')
  return dot < 0 ? null : at(record[field.slice(0, dot)], field.slice(dot + 1))
}

/** What `pick` left, for people. */
export function pickedTable(data: unknown, fields: string[]): string {
  const rows = (Array.isArray(data) ? data : [data]) as Record<string, unknown>[]
  const cell = (value: unknown): Cell =>
    value === null || typeof value === 'string' || typeof value === 'number' ? value : JSON.stringify(value)
  return table(
    fields,
    rows.map((row) => fields.map((field) => cell(row[field]))),
  )
}
