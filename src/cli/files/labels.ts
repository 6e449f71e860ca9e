import {
  addProblem,
  isRefusal,
  noProblems,
  refuseProblems,
  type Table,
  type TableOptions,
  toDeclared,
} from '../../core/tables/tables.ts'
import { openRows, type Say } from './rows.ts'

export type Label = { id: string; value: number }

/**
 * Labels of a file with the columns `id` and `value`, in batches, after all of them were looked at: an id stays as it is
 * written, and no missing value becomes a zero.
 */
export async function readLabels(
  path: string,
  options: TableOptions & { shown: string },
  say: Say,
): Promise<AsyncIterable<Label[]>> {
  const table = await openRows(path, { ...options, types: typesOf(path) }, say)
  const problems = noProblems()
  let number = 0
  for await (const batch of table.read())
    for (const row of batch) {
      number += 1
      for (const column of ['id', 'value'] as const) {
        const rule = ruleFor(column, row[column])
        if (rule !== undefined)
          addProblem(problems, { row: number, column, value: row[column], rule, fix: neededColumns })
      }
    }
  refuseProblems(problems, `"${options.shown}"`)
  return labelsOf(table)
}

const neededColumns = 'It needs the columns "id", of the prediction, and "value", what turned out as a number.'

/** In JSON true and false are outcomes too, so there a value keeps the type that it has. */
function typesOf(path: string): TableOptions['types'] {
  const id = ['id', 'string'] as const
  return /\.(csv|tsv)(\.gz)?$/i.test(path) ? new Map([id, ['value', 'number']]) : new Map([id])
}

function ruleFor(column: 'id' | 'value', value: unknown): string | undefined {
  if (value === null || value === undefined || value === '') return 'is missing'
  if (column === 'id') return undefined
  return outcomeOf(value) === undefined ? 'is no number' : undefined
}

function outcomeOf(value: unknown): number | undefined {
  const read = typeof value === 'boolean' ? Number(value) : toDeclared(value, 'number')
  return !isRefusal(read) && typeof read === 'number' && Number.isFinite(read) ? read : undefined
}

async function* labelsOf(table: Table): AsyncGenerator<Label[]> {
  for await (const batch of table.read())
    yield batch.map(({ id, value }) => ({ id: String(id), value: outcomeOf(value) ?? Number.NaN }))
}
