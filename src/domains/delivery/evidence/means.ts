import { oneSidedHalfWidth } from '../../../core/stats/confidence-sequence.ts'
import { mean, variance } from '../../../core/stats/summary.ts'
import type { AnswersOfSpec } from '../../evaluation/evaluation.ts'
import type { LoggedOutcome } from '../../serving/serving.ts'
import type { Plan } from '../plan.ts'
import type { Guard } from '../rules.ts'
import type { Arms, Observation, Unit } from './observed.ts'

const minValues = 30

/** What was told later: how answers are held against labels, and outcomes. */
export type Reports = { answers?: AnswersOfSpec | undefined; outcomes?: readonly LoggedOutcome[] }

/** A mean that may not be worse for the canary than for the control by more than a margin. */
type MeanGuard = {
  guard: string
  unit: string
  better: 'higher' | 'lower'
  /** Without data a step does not end. */
  required: boolean
  /** Nor before it is proven that the canary is not worse by more than the margin. */
  proven: boolean
  /** The values of the rows of one unit. */
  values: (rows: readonly Observation[]) => number[]
  margin: (control: number) => number
  /** Extreme values are cut at this quantile of both arms: one long answer must not decide. */
  winsorize: number
}

const ordinary = { better: 'lower', required: false, proven: false } as const

export function meansOf(plan: Plan, { answers, outcomes = [] }: Reports): MeanGuard[] {
  const { qualityMargin, latencyRatio, costRatio } = plan
  const questions: MeanGuard[] = []
  if (answers) {
    const values = (rows: readonly Observation[]) =>
      answers.losses(rows.flatMap((row) => answers.read(row) ?? [])).map(({ loss }) => loss)
    const unit = answers.kind.loss.says
    questions.push({ ...ordinary, guard: 'quality', unit, values, margin: () => qualityMargin, winsorize: 1 })
  }
  const ratio = (bound: number) => (control: number) => (bound - 1) * control
  if (latencyRatio !== null) {
    const values = (rows: readonly Observation[]) => rows.map(({ latencyMs }) => latencyMs)
    questions.push({
      ...ordinary,
      guard: 'latency',
      unit: 'Milliseconds',
      values,
      margin: ratio(latencyRatio),
      winsorize: 0.99,
    })
  }
  if (costRatio !== null) {
    const values = (rows: readonly Observation[]) => rows.flatMap(({ cost }) => cost ?? [])
    questions.push({ ...ordinary, guard: 'cost', unit: 'Cost', values, margin: ratio(costRatio), winsorize: 0.99 })
  }
  return [...questions, ...outcomeGuards(plan, outcomes)]
}

/** A unit's outcomes are those of its predictions in its arm, and its own since the first of them. */
function outcomeGuards({ outcomes: guards = [] }: Plan, outcomes: readonly LoggedOutcome[]): MeanGuard[] {
  return guards.map(({ outcome, better, within, absent, proven = false }) => {
    const named = outcomes.filter(({ name }) => name === outcome)
    const byPrediction = Map.groupBy(named, ({ prediction }) => prediction ?? '')
    const byUnit = Map.groupBy(
      named.filter(({ prediction }) => prediction === null),
      ({ unit }) => unit ?? '',
    )
    // Only with one report at least is there something to count the silence of the others as.
    const silent = absent === undefined || named.length === 0 ? [] : [absent]
    const flags = named.every(({ value }) => value === 0 || value === 1)
    const values = (rows: readonly Observation[]) => {
      const [first] = rows
      const own = (byUnit.get(first?.unit ?? '') ?? []).filter(({ at }) => at >= (first?.at ?? ''))
      const found = [...rows.flatMap(({ id }) => byPrediction.get(id) ?? []), ...own].map(({ value }) => value)
      return found.length > 0 ? found : silent
    }
    return {
      guard: `outcome ${outcome}`,
      unit: `Outcome "${outcome}"`,
      better,
      required: true,
      proven,
      values,
      margin: () => within,
      winsorize: flags ? 1 : 0.99,
    }
  })
}

/** Whether the canary's mean is worse by more than the margin. The confidence sequence is valid however often it is asked. */
export function judgeMean(plan: Plan, question: MeanGuard, arms: Arms, guards: number): Guard {
  const [canary, control] = winsorized(valuesOf(question, arms.canary), valuesOf(question, arms.control), question)
  const n = canary.length + control.length
  const base = { guard: question.guard, required: question.required, n }
  if (canary.length < minValues || control.length < minValues) {
    return { ...base, verdict: 'waiting', value: null, limit: null, reason: tooFew(question, canary, control) }
  }
  const limit = question.margin(mean(control))
  const allowed = question.better === 'lower' ? limit : -limit
  const difference = mean(canary) - mean(control)
  const worse = question.better === 'lower' ? difference : -difference
  const standardError = Math.sqrt(variance(canary) / canary.length + variance(control) / control.length)
  const half = oneSidedHalfWidth({ n, standardError, alpha: plan.alpha / guards })
  const waits = question.proven && worse + half >= limit
  return {
    ...base,
    verdict: worse - half > limit ? 'harm' : waits ? 'waiting' : 'ok',
    value: difference,
    limit: allowed,
    reason: `${question.unit} of the canary minus the control: ${difference.toFixed(4)}, ${boundsIn(question, worse, half)}; ${allowed.toFixed(4)} is allowed.`,
  }
}

function tooFew({ unit, required }: MeanGuard, canary: readonly number[], control: readonly number[]): string {
  if (!required) return `Only ${canary.length} and ${control.length} units with a value so far.`
  return canary.length + control.length === 0
    ? `${unit}: no data, so it cannot tell.`
    : `${unit}: only ${canary.length} and ${control.length} units with a value so far, so it cannot tell.`
}

/** How bad it surely is; where it has to be proven harmless, how bad it may still be. */
function boundsIn({ better, proven }: MeanGuard, worse: number, half: number): string {
  const sign = better === 'lower' ? 1 : -1
  const [least, most] = [sign * (worse - half), sign * (worse + half)].map((bound) => bound.toFixed(4))
  if (better === 'lower') return `surely at least ${least}${proven ? ` and at most ${most}` : ''}`
  return `surely at most ${least}${proven ? ` and at least ${most}` : ''}`
}

function valuesOf({ values }: MeanGuard, units: Unit[]): number[] {
  return units.flatMap(({ rows }) => {
    const found = values(rows)
    return found.length === 0 ? [] : [mean(found)]
  })
}

function winsorized(canary: number[], control: number[], { winsorize }: MeanGuard): [number[], number[]] {
  if (winsorize === 1 || canary.length + control.length === 0) return [canary, control]
  // Where most units have none, the quantile of all would cut every value to nothing.
  const sorted = [...canary, ...control].filter((value) => value !== 0).sort((a, b) => a - b)
  const highest = sorted[Math.floor(winsorize * (sorted.length - 1))] ?? Number.POSITIVE_INFINITY
  const cut = (values: number[]) => values.map((value) => Math.min(value, highest))
  return [cut(canary), cut(control)]
}
