import {
  addProblem,
  isRefusal,
  noProblems,
  type Row,
  refuseProblems,
  type TableOptions,
  toDeclared,
} from '../../core/tables/tables.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import { openRows, type Say } from './rows.ts'

export type Outcome = { id?: string; prediction?: string; unit?: string; name: string; value: number; at?: string }

const text = ['id', 'prediction', 'unit', 'name', 'at'] as const
const neededColumns =
  'It needs "name", "value" as a number or true or false, and "prediction" or "unit" with an "id"; "at" says when.'

/**
 * Outcomes of a file in batches, after all of them were looked at. `name` stands in where the file has no column of it.
 */
export async function readOutcomes(
  path: string,
  { name, ...options }: TableOptions & { shown: string; name?: string | undefined },
  say: Say,
): Promise<AsyncIterable<Outcome[]>> {
  const csv = /\.(csv|tsv)(\.gz)?$/i.test(path)
  const types = new Map(text.map((column) => [column, 'string'] as const))
  const table = await openRows(path, { ...options, types: csv ? new Map([...types, ['value', 'string']]) : types }, say)
  const problems = noProblems()
  let number = 0
  for await (const batch of table.read())
    for (const row of batch) {
      number += 1
      const refuse = (column: string, rule: string) =>
        addProblem(problems, { row: number, column, value: row[column], rule, fix: neededColumns })
      if (wordIn(row, 'name') === undefined && name === undefined) refuse('name', 'is missing')
      if (isMissing(row['value'])) refuse('value', 'is missing')
      else if (numberOf(row['value']) === undefined) refuse('value', 'is no number')
      if (wordIn(row, 'prediction') === undefined && wordIn(row, 'unit') === undefined)
        refuse('prediction', 'is missing')
    }
  refuseProblems(problems, `"${options.shown}"`)
  return outcomesOf(table.read(), name)
}

async function* outcomesOf(batches: AsyncIterable<Row[]>, name: string | undefined): AsyncGenerator<Outcome[]> {
  for await (const batch of batches)
    yield batch.map((row) =>
      withoutUndefined({
        ...Object.fromEntries(text.map((column) => [column, wordIn(row, column)])),
        name: wordIn(row, 'name') ?? name ?? '',
        value: numberOf(row['value']) ?? Number.NaN,
      }),
    )
}

function isMissing(value: unknown): boolean {
  return value === null || value === undefined || value === ''
}

function wordIn(row: Row, column: string): string | undefined {
  return isMissing(row[column]) ? undefined : String(row[column])
}

function numberOf(value: unknown): number | undefined {
  if (value === true || value === 'true') return 1
  if (value === false || value === 'false') return 0
  const read = toDeclared(value, 'number')
  return !isRefusal(read) && typeof read === 'number' && Number.isFinite(read) ? read : undefined
}
