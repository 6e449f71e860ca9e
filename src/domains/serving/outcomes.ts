import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import { addProblem, dateOf, noProblems, type Problems, refuseProblems } from '../../core/tables/tables.ts'
import { transaction } from '../../core/transaction.ts'
import type { serving } from './contract.ts'
import { keptUnit, planLook } from './log/log.ts'
import * as store from './outcome-store.ts'
import { requireAnswers } from './predictions.ts'
import type { OutcomesTable } from './schema.ts'

type Operations = typeof serving
type Given = Input<Operations['recordOutcomes']>['outcomes'][number]

/** What followed from predictions, or for units. An id is one outcome, however often it is sent; the last one counts. */
export async function recordOutcomes(
  ctx: Context,
  { endpoint, outcomes }: Input<Operations['recordOutcomes']>,
): Promise<Output<Operations['recordOutcomes']>> {
  await requireAnswers(ctx, endpoint)
  const problems = noProblems()
  const rows = outcomes.map((given, index) => toRow(ctx, endpoint, given, index + 1, problems))
  refuseProblems(problems, 'The outcomes', 'invalid_input')
  const latest = new Map(rows.map((row) => [row.id, row]))
  const replaced = await transaction(ctx, async (ctx) => {
    const known = await store.countOutcomes(ctx, endpoint, [...latest.keys()])
    await store.saveOutcomes(ctx, [...latest.values()])
    await planLook(ctx, endpoint)
    return known
  })
  return { accepted: outcomes.length, replaced }
}

/** Clocks differ; further ahead, somebody wrote another year. */
const mostAhead = day

function toRow(ctx: Context, endpoint: string, given: Given, row: number, problems: Problems): OutcomesTable {
  const { id, prediction, unit, name, value } = given
  const refuse = (column: string, shown: unknown, rule: string, fix: string) =>
    addProblem(problems, { row, column, value: shown, rule, fix })
  const at = given.at === undefined ? ctx.now() : dateOf(given.at)
  if (at.getTime() > ctx.now().getTime() + mostAhead)
    refuse('at', given.at, 'lies more than a day ahead', 'Times are ISO 8601, UTC where no zone is written.')
  if ((prediction === undefined) === (unit === undefined))
    refuse(
      'prediction',
      prediction,
      'must be there, or "unit", and not both',
      'Name the prediction, or the user or session.',
    )
  if (id === undefined && prediction === undefined)
    refuse('id', id, 'is missing', 'An outcome of a unit needs an id of yours, so that it is counted once.')
  return {
    endpoint,
    id: id ?? `${name}/${prediction ?? ''}`,
    name,
    prediction: prediction ?? null,
    unit: unit === undefined ? null : keptUnit(unit),
    value: Number(value),
    at: at.toISOString(),
    known_at: ctx.now().toISOString(),
  }
}

export type LoggedOutcome = Pick<OutcomesTable, 'name' | 'prediction' | 'unit' | 'value' | 'at'>

type Wanted = { endpoint: string; predictions: string[]; from: string; to: string }

/** Outcomes of these predictions, whenever they came, and of units in [from, to). */
export async function readOutcomes(
  ctx: Context,
  { endpoint, predictions, from, to }: Wanted,
): Promise<LoggedOutcome[]> {
  if (!(await store.hasOutcomes(ctx, endpoint))) return []
  const ofPredictions = await store.outcomesOfPredictions(ctx, endpoint, predictions)
  return [...ofPredictions, ...(await store.outcomesOfUnits(ctx, endpoint, { from, to }))]
}
