import type { Static } from 'typebox'
import { invalidInput } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { SourceFile } from './contract.ts'

export type Definition = Static<typeof SourceFile>
export type ColumnType = 'number' | 'integer' | 'string' | 'boolean' | 'time'
export type Columns = Record<string, ColumnType>
export type Row = Record<string, unknown>

type Expectation = NonNullable<Definition['expectations']>[number]

/** What the definition says about types, before any row came. */
export function declaredColumns(definition: Definition): Columns {
  const columns: Columns = {}
  for (const { column, type } of definition.expectations ?? []) if (type !== undefined) columns[column] = type
  for (const column of [definition.time, definition.known_at]) if (column !== undefined) columns[column] = 'time'
  return columns
}

/**
 * Checks rows and brings them into their stored form. A column keeps the type of its first value; integers may widen
 * to numbers. Throws for the first row that does not fit, so that a call stores all of its rows or none.
 */
export function checkRows(definition: Definition, known: Columns, rows: Row[]): { rows: Row[]; columns: Columns } {
  const columns: Columns = { ...known }
  const expectations = definition.expectations ?? []
  const needed = [definition.time, definition.known_at].filter((column) => column !== undefined)
  const checked = rows.map((row, index) => {
    for (const column of needed)
      if (row[column] === undefined || row[column] === null) throw bad(index, column, 'is missing', Object.keys(row))
    const stored: Row = {}
    for (const [column, value] of Object.entries(row)) {
      if (column.startsWith('_') || column === '') throw bad(index, column, 'is not a column name that can be stored')
      if (value === null || value === undefined) continue
      stored[column] = convert(value, column, columns, index)
    }
    for (const expectation of expectations) expect(expectation, stored[expectation.column], index)
    return stored
  })
  return { rows: checked, columns }
}

function convert(value: unknown, column: string, columns: Columns, index: number): unknown {
  const found = typeOf(value, column, index)
  columns[column] ??= found
  const type = columns[column]
  if (type === 'time') return toTime(value, column, index)
  if (type === found || (type === 'number' && found === 'integer')) return value
  if (type === 'integer' && found === 'number') {
    columns[column] = 'number'
    return value
  }
  throw bad(index, column, `is ${JSON.stringify(value)}, not a ${type}`)
}

function typeOf(value: unknown, column: string, index: number): ColumnType {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'boolean'
  throw bad(index, column, 'is neither a number, a text nor a boolean')
}

/** Up to milliseconds; finer times are refused, because rounding could move a row before its own moment. */
const isoTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)?)?$/

/** Text without a zone is UTC; numbers are epoch milliseconds. */
function toTime(value: unknown, column: string, index: number): string {
  if (typeof value === 'number' && Number.isInteger(value)) return new Date(value).toISOString()
  if (typeof value !== 'string' || !isoTime.test(value))
    throw bad(index, column, `is ${JSON.stringify(value)}, not a time (ISO 8601, at most milliseconds)`)
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(value)
  const date = new Date(value.length === 10 ? `${value}T00:00:00Z` : `${value.replace(' ', 'T')}${zoned ? '' : 'Z'}`)
  if (Number.isNaN(date.getTime())) throw bad(index, column, `is ${JSON.stringify(value)}, not a time`)
  return date.toISOString()
}

function expect({ column, required, between, one_of: oneOf }: Expectation, value: unknown, index: number): void {
  if (value === undefined) {
    if (required) throw bad(index, column, 'is missing')
    return
  }
  if (between && !(typeof value === 'number' && value >= between[0] && value <= between[1])) {
    throw bad(index, column, `is ${JSON.stringify(value)}, outside ${between[0]} … ${between[1]}`)
  }
  if (oneOf && !oneOf.includes(value as string)) {
    throw bad(index, column, `is ${JSON.stringify(value)}, none of ${oneOf.join(', ')}`)
  }
}

function bad(index: number, column: string, message: string, known: string[] = []) {
  return invalidInput(`Row ${index + 1}: "${column}" ${message}. Nothing was stored.`, {
    name: column,
    hint: didYouMean(column, known),
  })
}
