import { invalidInput } from '../../../core/errors.ts'
import { didYouMean } from '../../../core/suggest.ts'
import { addProblem, noProblems, type Problems, type Row, refuseProblems } from '../../../core/tables/tables.ts'

/** Rows of one side with the name that messages call it by. */
export type Records = { shown: string; columns: readonly string[]; rows: readonly Row[] }

/** Both sides' rows of one item. */
export type RecordPair = { id: string; baseline: Row; candidate: Row }

type Pairing = { id?: string | undefined; onlyShared: boolean }

const usualId = 'id'

/**
 * Puts the rows of both sides together: by the column that names items, or in their order where there is none, which needs as many
 * rows on both sides. An item of one side only is refused, or left out and counted with `onlyShared`.
 */
export function pairRecords(
  baseline: Records,
  candidate: Records,
  { id, onlyShared }: Pairing,
): { pairs: RecordPair[]; by: string | null; alone: number } {
  const by = id ?? ([baseline, candidate].every(({ columns }) => columns.includes(usualId)) ? usualId : undefined)
  if (by === undefined) return { pairs: inOrder(baseline, candidate), by: null, alone: 0 }
  const [first, second] = [byItem(baseline, by), byItem(candidate, by)]
  const missing = [
    { shown: candidate.shown, ids: [...first.keys()].filter((key) => !second.has(key)) },
    { shown: baseline.shown, ids: [...second.keys()].filter((key) => !first.has(key)) },
  ]
  const alone = missing.reduce((sum, { ids }) => sum + ids.length, 0)
  for (const { shown, ids } of missing) {
    if (ids.length === 0 || onlyShared) continue
    const more = ids.length > 5 ? ` and ${ids.length - 5} more` : ''
    throw invalidInput(
      `${shown} lacks ${ids.length} items that the other file has: ${ids.slice(0, 5).join(', ')}${more}.`,
      {
        name: by,
        hint: 'Add their answers, or compare only the items of both with --only-shared.',
      },
    )
  }
  const pairs = [...first].flatMap(([key, row]) => {
    const other = second.get(key)
    return other === undefined ? [] : [{ id: key, baseline: row, candidate: other }]
  })
  return { pairs, by, alone }
}

function inOrder(baseline: Records, candidate: Records): RecordPair[] {
  if (baseline.rows.length !== candidate.rows.length)
    throw invalidInput(
      `${baseline.shown} has ${baseline.rows.length} rows and ${candidate.shown} ${candidate.rows.length}, and no column names the items.`,
      { name: usualId, hint: 'Name the column that holds the same value for the same item in both files with --id.' },
    )
  return baseline.rows.map((row, index) => ({
    id: `row ${index + 1}`,
    baseline: row,
    candidate: candidate.rows[index] ?? {},
  }))
}

function byItem({ shown, columns, rows }: Records, column: string): Map<string, Row> {
  requireColumn({ shown, columns }, column)
  const found = new Map<string, Row>()
  const problems: Problems = noProblems()
  for (const [index, row] of rows.entries()) {
    const value = row[column]
    const key = value === null || value === undefined ? '' : String(value)
    const rule = key === '' ? 'is missing' : found.has(key) ? 'names an item for the second time' : undefined
    if (rule !== undefined) addProblem(problems, { row: index + 1, column, value, rule, fix: oneRowEach })
    found.set(key, row)
  }
  refuseProblems(problems, shown)
  return found
}

const oneRowEach =
  'Each item needs one row. Give repeated answers ids of their own and name the item under --cluster: then they count as one.'

/** Throws for a column that a file does not have, naming the nearest. */
export function requireColumn({ shown, columns }: Omit<Records, 'rows'>, column: string): void {
  if (columns.includes(column)) return
  throw invalidInput(`${shown} has no column "${column}".`, {
    name: column,
    hint: didYouMean(column, columns) ?? `Its columns: ${columns.join(', ')}.`,
  })
}
