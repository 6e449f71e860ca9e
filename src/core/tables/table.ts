import type { Field } from './records.ts'
import type { ColumnType } from './values.ts'

export type Row = Record<string, unknown>

/** A file of rows that was looked at whole: what `read` hands on has been checked against what was declared. */
export type Table = {
  columns: string[]
  /** Declared, found in the file (Parquet), or guessed (CSV); JSON rows carry their own types. */
  types: ReadonlyMap<string, ColumnType>
  rows: number
  /** What was found and not said by anybody: separator, encoding, guessed types. For people, once. */
  notes: string[]
  /** The rows in batches, in the order of the file. */
  read(): AsyncIterable<Row[]>
  /** A CSV as it is written, its header first: for a file in which what nobody touched stays as it is. */
  written?: { separator: string; records(): AsyncIterable<Field[]> }
}

export type TableOptions = {
  /** What the file is called in messages. */
  shown?: string | undefined
  /** Types that somebody declared, by column: they go before any guess. */
  types?: ReadonlyMap<string, ColumnType> | undefined
  encoding?: string | undefined
  separator?: string | undefined
  decimal?: ',' | '.' | undefined
  /** The form of times in columns that are declared as such, in the letters of strptime. */
  timeFormat?: string | undefined
  /** A value that is not what its column is declared as is handed on as it stands: somebody else tells of it by row. */
  lenient?: boolean | undefined
  /** Rows without a form (too many fields, no JSON) are told of by their number, from 1, and left out, instead of refusing the file. */
  onBroken?: ((row: number, why: string) => void) | undefined
}
