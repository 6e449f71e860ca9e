import type { Estimate } from '../../../core/contract.ts'
import { elementAt } from '../../../core/stats/element-at.ts'
import type { ModelSpec, Scorer } from '../../registry/spec/spec.ts'
import { type Grouping, intervalOf, type Metric, metricsFor, partsOf, type Task } from '../comparison/comparison.ts'
import { ruleScores } from '../scoring/scoring.ts'
import type { Answered, Logged } from './answered.ts'
import type { Label } from './labels.ts'
import { type Kind, kinds } from './table.ts'

/** What is asked of the answers of a model, as its spec says; a rollout freezes it in its plan. */
export type AnswerBasis = {
  output: Task
  /** Metrics, the one of the spec's quality first. */
  metrics: string[]
  scorers: Scorer[]
  /** The input that says which rows are ranked among each other. */
  list?: string
}

type Measure = { metric: string; direction: Metric['direction']; estimate: Estimate; rows: number }

export type AnswersOfSpec = {
  kind: Kind
  /** Undefined for a prediction of which nothing can be said: without a label, or with an answer that is none. */
  read: (logged: Logged) => Answered | undefined
  /** Each metric with its interval over units, and of how many predictions it is. */
  measure: (answered: readonly Answered[]) => Measure[]
  /** What guards compare: the loss of each answer, or list of answers. */
  losses: (answered: readonly Answered[]) => { of: Answered; loss: number }[]
  /** Those that were wrong, of what can be wrong alone: an answer, or a list. */
  judged: (answered: readonly Answered[]) => { of: Answered; wrong: boolean }[]
}

export function basisOf({ serves, success }: ModelSpec): AnswerBasis {
  const named = [success.quality, ...(success.floors ?? []), ...(success.guardrails ?? [])].map(({ metric }) => metric)
  // A log that keeps only the length of texts has nothing that a scorer could read.
  const readable = serves.output === 'text' && serves.log?.content === true
  return {
    output: serves.output,
    metrics: [...new Set([...named, ...kinds[serves.output].watched])],
    scorers: readable ? (success.scorers ?? []) : [],
    ...(serves.list === undefined ? {} : { list: serves.list }),
  }
}

const seed = 1
const resamples = 200

export async function answersOf({ output, metrics, scorers, list }: AnswerBasis): Promise<AnswersOfSpec> {
  const kind = kinds[output]
  const score = await ruleScores(scorers)
  const human = humanScore(scorers)
  const scoredBy = [
    ...scorers.map(({ name, kind }) => ({ name, kind })),
    { name: human, kind: 'column' as const, direction: 'higher' as const },
  ]
  const known = metricsFor({ task: output, scorers: scoredBy })
  const wanted = output === 'text' ? [...metrics, ...known.map(({ name }) => name)] : metrics
  const chosen = [...new Set(wanted)].flatMap((name) => known.find((metric) => metric.name === name) ?? [])
  return {
    kind,
    read: ({ id, unit, output: answer, label, inputs }) => {
      const scores = output === 'text' ? { ...score(answer, label), [human]: humanScoreOf(label) } : {}
      const group = list === undefined ? undefined : inputs[list]
      const row = { id, unit, list: String(group ?? unit), output: answer, label, scores }
      // Texts are long, and their scores say all.
      return kind.isJudged(row) ? { ...row, ...(output === 'text' ? { output: null } : {}) } : undefined
    },
    measure: (answered) => chosen.map((metric) => measured(kind, metric, answered)),
    losses: (answered) => kind.losses(answered, metrics[0] ?? ''),
    judged: (answered) => kind.judged(answered, metrics[0] ?? ''),
  }
}

/** The metric of labels that are scores themselves. */
function humanScore(scorers: readonly Scorer[]): string {
  return scorers.some(({ name }) => name === 'score') ? 'human_score' : 'score'
}

function humanScoreOf(label: Label | null): number | null {
  return typeof label === 'number' ? label : null
}

function measured(kind: Kind, metric: Metric, answered: readonly Answered[]): Measure {
  const { labels, columns, lists, units } = kind.encode(answered)
  const column = columns[kind.columnOf(metric)] ?? []
  const usable = labels.flatMap((label, index) =>
    Number.isNaN(label) || Number.isNaN(column[index] ?? Number.NaN) ? [] : [index],
  )
  const pick = <Item>(values: readonly Item[]) => usable.map((index) => elementAt(values, index))
  const unitsOfUsable = pick(units)
  const sample: Grouping & { labels: number[]; outputs: number[][] } = {
    labels: pick(labels),
    outputs: [pick(column)],
    ...(lists ? { lists: pick(lists) } : {}),
    ...(new Set(unitsOfUsable).size < unitsOfUsable.length ? { clusters: unitsOfUsable } : {}),
  }
  const { name, direction } = metric
  const rows = lists ? answered.length : usable.length
  if (usable.length === 0)
    return { metric: name, direction, estimate: { value: null, n: 0, lower: null, upper: null }, rows: 0 }
  const n = metric.perList ? (partsOf(metric, sample)?.length ?? 0) : usable.length
  const { value, lower, upper } = intervalOf(metric, sample, seed, { resamples })
  return { metric: name, direction, estimate: { value, n, lower, upper }, rows }
}
