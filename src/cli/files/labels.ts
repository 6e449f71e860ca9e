import {
  addProblem,
  isRefusal,
  noProblems,
  type Row,
  refuseProblems,
  type Table,
  type TableOptions,
  toDeclared,
} from '../../core/tables/tables.ts'
import type { OutputKind } from '../../domains/registry/contract.ts'
import { openRows, type Say } from './rows.ts'

type Value = number | string | number[] | Record<string, number>
export type Label = { id: string; value: Value }

type LabelOptions = TableOptions & {
  shown: string
  /** What the model answers with; without it labels are numbers. */
  output?: OutputKind | undefined
}

/**
 * Labels of a file with the columns `id` and `value` (of texts also `score`), in batches, after all of them were looked at: an
 * id or a class stays as it is written, and no missing value becomes a zero.
 */
export async function readLabels(
  path: string,
  { output = 'regression', ...options }: LabelOptions,
  say: Say,
): Promise<AsyncIterable<Label[]>> {
  const table = await openRows(path, { ...options, types: typesOf(path, output) }, say)
  const problems = noProblems()
  let number = 0
  for await (const batch of table.read())
    for (const row of batch) {
      number += 1
      for (const [column, rule] of rulesFor(row, output))
        addProblem(problems, { row: number, column, value: row[column], rule, fix: neededColumns[output] })
    }
  refuseProblems(problems, `"${options.shown}"`)
  return labelsOf(table, output)
}

const ofId = 'It needs the columns "id", of the prediction, and "value",'
const neededColumns: Record<OutputKind, string> = {
  binary: `${ofId} what turned out as a number.`,
  regression: `${ofId} what turned out as a number.`,
  multiclass: `${ofId} the class that was right.`,
  ranking: `${ofId} how relevant the item was, or as JSON each item of the list.`,
  text: `${ofId} the text that was expected, or "score", from 0 to 1.`,
}

const numeric: ReadonlySet<OutputKind> = new Set(['binary', 'regression'])

/** In JSON true and false are outcomes too, so there a value keeps the type that it has. */
function typesOf(path: string, output: OutputKind): TableOptions['types'] {
  const id = ['id', 'string'] as const
  if (!/\.(csv|tsv)(\.gz)?$/i.test(path)) return new Map([id])
  return new Map([id, ['value', numeric.has(output) ? 'number' : 'string'], ['score', 'number']])
}

/** The rules that a row breaks, by column. */
function rulesFor(row: Row, output: OutputKind): [string, string][] {
  const missing = (value: unknown) => value === null || value === undefined || value === ''
  const scored = output === 'text' && missing(row['value']) && !missing(row['score'])
  const column = scored ? 'score' : 'value'
  return [
    ...(missing(row['id']) ? [['id', 'is missing'] as [string, string]] : []),
    ...(missing(row[column]) ? [[column, 'is missing'] as [string, string]] : []),
    ...(!missing(row[column]) && labelIn(row, output) === undefined
      ? [[column, numeric.has(output) || scored ? 'is no number' : 'is no label'] as [string, string]]
      : []),
  ]
}

function labelIn({ value, score }: Row, output: OutputKind): Value | undefined {
  if (numeric.has(output)) return numberOf(value)
  if (output === 'text' && (value === null || value === undefined || value === '')) return numberOf(score)
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string' || typeof value === 'number') return value
  // The server says what is wrong in a list of relevances.
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : undefined
}

function numberOf(value: unknown): number | undefined {
  const read = typeof value === 'boolean' ? Number(value) : toDeclared(value, 'number')
  return !isRefusal(read) && typeof read === 'number' && Number.isFinite(read) ? read : undefined
}

async function* labelsOf(table: Table, output: OutputKind): AsyncGenerator<Label[]> {
  for await (const batch of table.read())
    yield batch.map((row) => ({ id: String(row['id']), value: labelIn(row, output) ?? Number.NaN }))
}
