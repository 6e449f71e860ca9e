import type { Estimate } from '../../core/contract.ts'
import { invalidInput } from '../../core/errors.ts'
import type { Value } from '../../core/onnx.ts'
import { holm } from '../../core/stats/holm.ts'
import { type Task, usable } from './answers.ts'
import type { Verdict } from './contract.ts'
import { type Bounded, judgeSlice, shown } from './rules.ts'
import { findMetric, intervalOf, type Metric, metricNames, oneSided, type Paired, pairedOf } from './statistics.ts'

/** Two lists of answers to the same items. */
export type Pairs = { ids: string[]; labels: number[]; candidate: Value[]; baseline: Value[] }

export type MetricOutcome = {
  metric: string
  direction: Metric['direction']
  /** With central 95 % intervals. */
  candidate: Bounded
  baseline: Bounded
  /** The candidate's one-sided 95 % bounds, for metrics that a check limits. */
  limits: Bounded | null
}

type SliceOutcome = {
  slice: string
  value: string
  n: number
  candidate: number | null
  baseline: number | null
  difference: Estimate
  verdict: 'pass' | 'fail' | 'cannot_tell' | 'not_tested'
  /** Worse when judged on its own, but not after correcting for the number of slices. */
  worse: boolean
}

export type Comparison = {
  primary: {
    metric: string
    difference: Estimate
    margin: number
    method: string
    verdict: Verdict
    reason: string
    standardError: number | null
  }
  metrics: MetricOutcome[]
  slices: SliceOutcome[]
}

export type Question = {
  task: Task
  metric: string
  margin: number
  /** Metrics that the spec limits by a floor or a guardrail. */
  limited: string[]
  slices: { slice: string; values: string[] }[]
  seed: number
  baselineName: string
  /** Both sides are the same version: there is nothing that could be worse. */
  sameVersion: boolean
}

const smallestSlice = 30

/**
 * Judges candidate and baseline on the same items. One answer that is missing or not usable makes the whole comparison
 * an error that names the items: dropping them would judge the model on the items it likes.
 */
export function compare(pairs: Pairs, question: Question): Comparison {
  const metric = checkQuestion(question)
  const unusable = problems(pairs, question.task)
  if (unusable !== undefined) return broken(question, unusable, pairs.ids.length)
  const all: Usable = {
    labels: pairs.labels,
    candidate: pairs.candidate.map((answer) => usable(answer, question.task) ?? Number.NaN),
    baseline: pairs.baseline.map((answer) => usable(answer, question.task) ?? Number.NaN),
  }
  const metrics = metricNames(question.task).map((name) => outcomeOf(requireMetric(question.task, name), all, question))
  const paired = question.sameVersion ? unchanged : pairedOf(metric, all, question.margin, question.seed)
  return {
    primary: { ...primaryOf(paired, question, pairs.ids.length), standardError: paired.standardError },
    metrics,
    slices: slicesOf(metric, all, question),
  }
}

const unchanged: Paired = {
  value: 0,
  lower: 0,
  upper: 0,
  method: 'none',
  verdict: 'pass',
  standardError: null,
  harm: 1,
  note: 'it is the same version',
}

function outcomeOf(
  metric: Metric,
  { labels, candidate, baseline }: Usable,
  { limited, seed }: Question,
): MetricOutcome {
  const answers = { labels, outputs: candidate }
  return {
    metric: metric.name,
    direction: metric.direction,
    candidate: intervalOf(metric, answers, seed),
    baseline: intervalOf(metric, { labels, outputs: baseline }, seed),
    limits: limited.includes(metric.name) ? intervalOf(metric, answers, seed, oneSided) : null,
  }
}

/** The quality metric; throws for one that the task does not have or that cannot be compared by "not worse". */
export function checkQuestion({ task, metric: name }: Question): Metric {
  const metric = requireMetric(task, name)
  if (metric.direction !== 'zero') return metric
  throw invalidInput(`"${name}" cannot be the quality metric: it is best at zero, not at an end.`, {
    name,
    hint: 'Put it under "guardrails" with "within".',
  })
}

type Usable = { labels: number[]; candidate: number[]; baseline: number[] }

function requireMetric(task: Task, name: string): Metric {
  const metric = findMetric(task, name)
  if (metric) return metric
  throw invalidInput(`"${name}" is not a metric of ${task} answers.`, {
    name,
    hint: `Use one of: ${metricNames(task).join(', ')}.`,
  })
}

function problems({ ids, labels, candidate, baseline }: Pairs, task: Task): string | undefined {
  const sides: [string, Value[]][] = [
    ['the candidate', candidate],
    ['the baseline', baseline],
  ]
  for (const [side, answers] of sides) {
    const bad = ids.filter((_, index) => usable(answers[index], task) === undefined)
    if (bad.length === 0) continue
    const more = bad.length > 5 ? ` and ${bad.length - 5} more` : ''
    return `${side} has no usable answer for ${bad.length} of ${ids.length} items: ${bad.slice(0, 5).join(', ')}${more}`
  }
  return ids.length === 0 || labels.length !== ids.length ? 'there are no items to compare' : undefined
}

function broken({ metric, margin, task, slices }: Question, reason: string, n: number): Comparison {
  const unknown: Bounded = { value: null, lower: null, upper: null }
  const nothing: Estimate = { value: null, n, lower: null, upper: null }
  return {
    primary: { metric, difference: nothing, margin, method: 'none', verdict: 'error', reason, standardError: null },
    metrics: metricNames(task).map((name) => ({
      metric: name,
      direction: requireMetric(task, name).direction,
      candidate: unknown,
      baseline: unknown,
      limits: null,
    })),
    slices: slices.flatMap(({ slice, values }) =>
      groups(values).map(([value, members]) => ({
        slice,
        value,
        n: members.length,
        candidate: null,
        baseline: null,
        difference: { value: null, n: members.length, lower: null, upper: null },
        verdict: 'not_tested' as const,
        worse: false,
      })),
    ),
  }
}

function primaryOf(paired: Paired, { metric, margin, baselineName }: Question, n: number) {
  const { value, lower, upper } = paired
  const bounds = `${shown(value)} (one-sided 95 % bounds ${shown(lower)} … ${shown(upper)}, n ${n})`
  const better = value !== null && value >= 0 ? 'better' : 'worse'
  const words: Record<Verdict, string> = {
    pass: `${metric} is not worse than ${baselineName} by more than ${margin}: ${better} by ${bounds}`,
    fail: `${metric} is worse than ${baselineName} by more than ${margin}: ${bounds}`,
    cannot_tell: `${metric} may be worse than ${baselineName} by more than ${margin}: ${bounds}`,
    error: `${metric} could not be compared with ${baselineName}`,
  }
  const note = paired.note === '' ? '' : `; ${paired.note}`
  return {
    metric,
    difference: estimateOf(paired, n, `positive: better than ${baselineName}; one-sided 95 % bounds`),
    margin,
    method: paired.method,
    verdict: paired.verdict,
    reason: `${words[paired.verdict]}${note}`,
  }
}

function estimateOf({ value, lower, upper }: Bounded, n: number, reference?: string): Estimate {
  return { value: finite(value), n, lower: finite(lower), upper: finite(upper), ...(reference ? { reference } : {}) }
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null
}

function slicesOf(metric: Metric, all: Usable, { slices, margin, seed }: Question): SliceOutcome[] {
  const found = slices.flatMap(({ slice, values }) =>
    groups(values).map(([value, members]) => {
      const part: Usable = {
        labels: pick(all.labels, members),
        candidate: pick(all.candidate, members),
        baseline: pick(all.baseline, members),
      }
      const paired = members.length < smallestSlice ? undefined : pairedOf(metric, part, margin, seed)
      return { slice, value, part, paired }
    }),
  )
  const harms = found.flatMap(({ paired }) => (paired?.harm == null ? [] : [paired.harm]))
  const adjusted = holm(harms)
  let tested = 0
  return found.map(({ slice, value, part, paired }) => {
    const harm = paired?.harm ?? null
    const adjustedHarm = harm === null ? null : (adjusted[tested++] ?? null)
    const n = part.labels.length
    return {
      slice,
      value,
      n,
      candidate: finite(metric.value(part.labels, part.candidate)),
      baseline: finite(metric.value(part.labels, part.baseline)),
      difference: estimateOf(paired ?? { value: null, lower: null, upper: null }, n),
      // A verdict that the method withholds for too few differences is not replaced by its bound.
      ...judgeSlice({ lower: paired?.verdict === 'pass' ? paired.lower : null, harm, adjustedHarm }, margin),
    }
  })
}

/** Values with the positions where they occur, in the order of the values. */
function groups(values: readonly string[]): [string, number[]][] {
  const members = new Map<string, number[]>()
  values.forEach((value, index) => {
    const list = members.get(value) ?? []
    list.push(index)
    members.set(value, list)
  })
  return [...members].sort(([a], [b]) => (a < b ? -1 : 1))
}

function pick(values: readonly number[], indexes: readonly number[]): number[] {
  return indexes.map((index) => values[index] ?? Number.NaN)
}
