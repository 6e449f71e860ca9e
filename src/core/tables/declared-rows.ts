import { addProblem, type Problems } from './refusals.ts'
import type { Row } from './table.ts'
import { unfitText } from './unicode.ts'
import { type ColumnType, isRefusal, type TimeReader, toDeclared } from './values.ts'

/** Brings a row that carries its own types (JSON, Parquet) to the declared ones, and looks at every text in it. */
export function declaredRow(
  row: Row,
  {
    number,
    types,
    readTime,
    problems,
    lenient = false,
  }: {
    number: number
    types: ReadonlyMap<string, ColumnType>
    readTime: TimeReader
    problems: Problems
    lenient?: boolean | undefined
  },
): Row {
  const entries = Object.entries(row).map(([column, value]): [string, unknown] => {
    const unfit = typeof value === 'string' ? unfitText(value) : undefined
    if (unfit !== undefined) addProblem(problems, { row: number, column, value, rule: unfit })
    const type = types.get(column)
    if (type === undefined) return [column, value]
    const read = toDeclared(value, type, readTime)
    if (!isRefusal(read)) return [column, read]
    if (lenient) return [column, value]
    addProblem(problems, { row: number, column, value, rule: `${read.rule}, as the column is declared`, fix: read.fix })
    return [column, null]
  })
  return Object.fromEntries(entries)
}
