import { invalidInput } from '../../../core/errors.ts'
import type { Value } from '../../../core/onnx/onnx.ts'
import { addProblem, noProblems, type Row, refuseProblems } from '../../../core/tables/tables.ts'
import { type RecordPair, type Records, requireColumn } from './pairing.ts'

const usualAnswers = ['answer', 'prediction', 'output', 'score', 'probability']

/** The column of the answers: the named one, or the only usual name that both files have. */
export function answerColumn(baseline: Records, candidate: Records, named: string | undefined): string {
  if (named !== undefined) {
    for (const records of [baseline, candidate]) requireColumn(records, named)
    return named
  }
  const found = usualAnswers.filter((name) => [baseline, candidate].every(({ columns }) => columns.includes(name)))
  const [only, ...others] = found
  if (only !== undefined && others.length === 0) return only
  const why = only === undefined ? 'Neither is named' : `Several may be it: ${found.join(', ')}`
  throw invalidInput(
    `Which column holds the answers? ${why}${only === undefined ? ` ${usualAnswers.join(', ')}` : ''}.`,
    {
      name: 'answer',
      hint: 'Name it with --answer.',
    },
  )
}

/** What both sides' rows say of the item itself, such as its label: it may stand in either file, and must be the same where in both. */
export function sharedColumn(
  { baseline, candidate, pairs }: { baseline: Records; candidate: Records; pairs: readonly RecordPair[] },
  column: string,
): Value[] {
  const holders = [baseline, candidate].filter(({ columns }) => columns.includes(column))
  if (holders.length === 0) requireColumn(baseline, column)
  const problems = noProblems()
  const values = pairs.map((pair, index) => {
    const [first, second] = [cellOf(pair.baseline, column), cellOf(pair.candidate, column)]
    const value = first ?? second
    const problem = { row: index + 1, column, value }
    if (value === null) addProblem(problems, { ...problem, rule: `of "${pair.id}" is missing`, fix: neededInEachRow })
    else if (first !== null && second !== null && first !== second)
      addProblem(problems, {
        ...problem,
        rule: `of "${pair.id}" is ${String(second)} in the other file`,
        fix: sameItems,
      })
    return value
  })
  refuseProblems(problems, holders[0]?.shown ?? baseline.shown, 'invalid_input')
  return values
}

const neededInEachRow = 'Every item needs it: take out the rows without, in both files.'
const sameItems = 'The files must be about the same items: check --id, or the order of their rows.'

/** A cell as an answer; integers beyond a double are told apart only as text. */
export function cellOf(row: Row, column: string): Value {
  const value = row[column]
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'number' || typeof value === 'string') return value
  return JSON.stringify(value)
}
