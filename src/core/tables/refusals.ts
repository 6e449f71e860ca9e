import { AppError } from '../errors.ts'
import { exactJson } from '../json/json.ts'

/** What is wrong with one cell; `row` counts the rows of data from 1. */
export type CellProblem = { row: number; column: string; value: unknown; rule: string; fix?: string | undefined }

/** The first few problems of a table, and how many there are. */
export type Problems = { first: CellProblem[]; count: number }

const shownProblems = 5
const shownCharacters = 40

export const noProblems = (): Problems => ({ first: [], count: 0 })

export function addProblem(problems: Problems, problem: CellProblem): void {
  problems.count += 1
  if (problems.first.length < shownProblems) problems.first.push(problem)
}

/** Refuses a table that has any: by row and column, with the value, the rule and the way out. */
export function refuseProblems(
  { first, count }: Problems,
  shown: string,
  code: 'invalid_file' | 'invalid_input' = 'invalid_file',
): void {
  const [problem] = first
  if (!problem) return
  const more = count > 1 ? ` (and ${count - 1} more)` : ''
  throw new AppError(code, `${shown}: ${sentence(problem)}${more}. Nothing was stored.`, {
    name: problem.column,
    hint: problem.fix,
    issues: first.map(({ row, column, value, rule }) => ({
      path: `${row}.${column}`,
      message: `${shortened(value)} ${rule}`,
    })),
  })
}

function sentence({ row, column, value, rule }: CellProblem): string {
  return `row ${row}, column "${column}": ${shortened(value)} ${rule}`
}

/** A value as a sentence shows it: quoted where it is a text, and cut. */
export function shortened(value: unknown): string {
  if (value === undefined || value === null) return 'the value'
  const text = typeof value === 'string' || typeof value === 'object' ? exactJson(value) : String(value)
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters - 1)}…` : text
}
