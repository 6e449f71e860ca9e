import type { Static, TSchema } from 'typebox'
import { readStored } from '../validate.ts'

/** A column whose values are not what the database holds: JSON is text there, and a flag is 0 or 1. */
type Column<T> = { read(stored: string | number): T; write(value: T): string | number }
type Columns<Row> = { [Name in keyof Row]?: Column<unknown> }

type Value<Stored, Of> = Of extends Column<infer T> ? T | Extract<Stored, null> : never
type RecordOf<Row, Named> = {
  [Name in keyof Row]: Name extends keyof Named ? Value<Row[Name], Named[Name]> : Row[Name]
}

/** JSON that is checked as it is read. Another version may have written it: fields that this one does not know pass. */
export function json<Schema extends TSchema>(schema: Schema): Column<Static<Schema>> {
  return { read: (text) => readStored(schema, JSON.parse(String(text)), 'A stored value'), write: JSON.stringify }
}

/**
 * JSON that was checked when it was written and is taken at its word: where reading it again by its schema would
 * cost more than the query, or what older versions wrote is completed by the one who reads it.
 */
export function trustedJson<T>(): Column<T> {
  return { read: (text) => JSON.parse(String(text)) as T, write: JSON.stringify }
}

export const flag: Column<boolean> = { read: (stored) => stored === 1, write: (value) => (value ? 1 : 0) }

type Records<Row, Named> = {
  read(row: Row): RecordOf<Row, Named>
  /** All columns, or some of them. */
  write<Name extends keyof Row>(values: Pick<RecordOf<Row, Named>, Name>): Pick<Row, Name>
  write(values: Partial<RecordOf<Row, Named>>): Partial<Row>
}

/** The rows of a table as the rest of a domain sees them. Null stays null; columns that are not named stay as they are. */
export function recordsOf<Row extends object>() {
  return <Named extends Columns<Row>>(columns: Named) =>
    ({
      read: (row: Row) => convert(row, columns, 'read'),
      write: (values: object) => convert(values, columns, 'write'),
    }) as Records<Row, Named>
}

export type Read<Records extends { read(row: never): unknown }> = ReturnType<Records['read']>

function convert(values: object, columns: Columns<unknown>, way: keyof Column<unknown>): unknown {
  const converted: Record<string, unknown> = { ...values }
  for (const [name, column] of Object.entries<Column<unknown>>(columns)) {
    const value = converted[name]
    if (value !== null && value !== undefined) converted[name] = column[way](value as never)
  }
  return converted
}
