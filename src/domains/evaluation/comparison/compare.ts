import type { Estimate } from '../../../core/contract.ts'
import { invalidInput } from '../../../core/errors.ts'
import { mean } from '../../../core/stats/summary.ts'
import type { Verdict } from '../contract.ts'
import { formatBounds, formatNumber, type IntervalEstimate } from '../rules.ts'
import { type AnsweredOutcome, compareAnswered } from './answered-items.ts'
import { whyUndefined } from './defined.ts'
import { type Columns, encode, type SideAnswers } from './encoding.ts'
import { compareHidden, type HiddenOutcome } from './hidden-items.ts'
import {
  alike,
  intervalOf,
  oneSided,
  type PairedDifference,
  type PairedSamples,
  pairedDifference,
} from './intervals.ts'
import { compareSlices, type SliceOutcome, untestedSlices } from './slices.ts'
import { columnOf, findMetric, type MetricBasis, metricsFor } from './tasks.ts'
import { countedAgainst, unansweredItems } from './unanswered.ts'
import { type Metric, partsOf, unitsOf } from './units.ts'

/** Fixed, so that resampling gives the same bounds every time; recorded in the evidence of every gate. */
export const seed = 20_010_101

/** Two sets of answers to the same items. */
export type Pairs = {
  ids: string[]
  labels: (number | string)[]
  candidate: SideAnswers
  baseline: SideAnswers
  lists?: string[] | undefined
  clusters?: string[] | undefined
  /** Items that nobody may see one by one: scored together with the others, and apart. */
  hidden?: boolean[] | undefined
}

export type MetricOutcome = {
  metric: string
  direction: Metric['direction']
  /** With central 95 % intervals. */
  candidate: IntervalEstimate
  baseline: IntervalEstimate
  /** The candidate's one-sided 95 % bounds, for metrics that a check limits. */
  limits: IntervalEstimate | null
  /** Why it has no value on these items; null where it has one. */
  undefined: string | null
}

/** How steady answers are over several repeats. */
type Steadiness = { passOnce: number; passAlways: number; flips: number }
export type Stability = { metric: string; repeats: number; candidate: Steadiness; baseline: Steadiness }

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
  stability: Stability[]
  hidden: HiddenOutcome | null
  /** Items that the baseline has no usable answer for: they count against it. Hidden ones are counted and not named. */
  unanswered: { count: number; ids: string[] }
  /** Where it left some out: the same comparison on those that it answered. */
  answered: AnsweredOutcome | null
}

export type ComparisonSettings = MetricBasis & {
  metric: string
  margin: number
  sliceMargin: number
  /** Metrics that the spec limits by a floor or a guardrail. */
  limited: string[]
  slices: { slice: string; values: string[] }[]
  seed: number
  baselineName: string
  /** Both sides are the same version, so nothing can be worse. */
  sameVersion: boolean
}

/**
 * Compares candidate and baseline on the same items. One missing or unusable answer of the candidate makes the whole comparison
 * an error that names the items: without them, it would be judged only on the items that it can answer. What the baseline
 * cannot answer counts against the baseline.
 */
export function compare(pairs: Pairs, settings: ComparisonSettings): Comparison {
  const metric = requireQualityMetric(settings)
  const encoded = encode(pairs, settings)
  const { labels, candidate } = encoded
  const baseline = settings.sameVersion ? encoded.baseline : countedAgainst({ ...encoded, task: settings.task })
  const grouping = { labels, lists: pairs.lists, clusters: pairs.clusters }
  const pairedSamplesOf = (wanted: Metric): PairedSamples => {
    const column = columnOf(settings, wanted)
    return { ...grouping, candidate: candidate[column] ?? [], baseline: baseline[column] ?? [] }
  }
  const all = pairedSamplesOf(metric)
  const n = unitsOf(metric, all)
  const reason = unusableReason(pairs, all, settings)
  if (reason !== undefined) return failedComparison(settings, reason, pairs.ids.length)
  const given = encoded.baseline[columnOf(settings, metric)] ?? []
  const unanswered = settings.sameVersion ? [] : unansweredItems(given, pairs.ids.length)
  const answered = compareAnswered(metric, all, unanswered, settings)
  const undefinedReason = whyUndefined(metric, all)
  const metrics = metricsFor(settings)
    .filter((one) => isRequested(one, settings) || hasAnswers(candidate[columnOf(settings, one)]))
    .map((one) => outcomeOf(one, pairedSamplesOf(one), settings))
  const paired = settings.sameVersion
    ? sameVersionResult
    : undefinedReason === undefined
      ? orAlike(pairedDifference(metric, all, settings.margin, settings.seed), answered)
      : { ...noDifference, note: undefinedReason }
  return {
    primary: { ...primaryOf(paired, settings, n), standardError: paired.standardError },
    metrics,
    slices: compareSlices(metric, all, settings),
    stability: metricsFor(settings).flatMap((one) => steadinessOf(one, pairedSamplesOf(one))),
    unanswered: {
      count: unanswered.length,
      ids: unanswered.filter((index) => pairs.hidden?.[index] !== true).map((index) => pairs.ids[index] ?? ''),
    },
    answered,
    hidden: pairs.hidden && !settings.sameVersion ? compareHidden(metric, all, pairs.hidden, settings) : null,
  }
}

/** Who answers all items alike that the baseline answers, and the others too, is not worse, however few those are. */
function orAlike(paired: PairedDifference, answered: AnsweredOutcome | null): PairedDifference {
  if (paired.verdict !== 'cannot_tell' || answered?.note !== alike) return paired
  return { ...paired, verdict: 'pass', note: `${alike} that the baseline answers, and it leaves out the others` }
}

const sameVersionResult: PairedDifference = {
  value: 0,
  lower: 0,
  upper: 0,
  method: 'none',
  verdict: 'pass',
  standardError: null,
  harm: 1,
  note: 'it is the same version',
}

const noDifference: PairedDifference = {
  value: null,
  lower: null,
  upper: null,
  method: 'none',
  verdict: 'cannot_tell',
  standardError: null,
  harm: null,
  note: '',
}

function isRequested({ name }: Metric, { metric, limited }: ComparisonSettings): boolean {
  return name === metric || limited.includes(name)
}

/** A model that answers with classes gives no probabilities; metrics of probabilities are left out unless the spec names them. */
function hasAnswers(column: Columns[string] | undefined): boolean {
  return (column ?? []).some((outputs) => outputs.some((output) => !Number.isNaN(output)))
}

function outcomeOf(metric: Metric, both: PairedSamples, { limited, seed }: ComparisonSettings): MetricOutcome {
  const { candidate, baseline, ...shared } = both
  const answers = { ...shared, outputs: candidate }
  const undefinedReason = whyUndefined(metric, both) ?? null
  return {
    undefined: undefinedReason,
    metric: metric.name,
    direction: metric.direction,
    candidate: intervalOf(metric, answers, seed),
    baseline: intervalOf(metric, { ...shared, outputs: baseline }, seed),
    limits: limited.includes(metric.name) ? intervalOf(metric, answers, seed, { alpha: oneSided }) : null,
  }
}

/** pass@1, pass^k and flips of right/wrong items, over several repeats. */
function steadinessOf(metric: Metric, both: PairedSamples): Stability[] {
  const repeats = both.candidate.length
  if (!metric.counts || repeats < 2) return []
  const of = (outputs: number[][]): Steadiness => {
    const parts = partsOf(metric, { ...both, outputs }) ?? []
    return {
      passOnce: mean(parts),
      passAlways: mean(parts.map((part) => Number(part === 1))),
      flips: mean(parts.map((part) => Number(part > 0 && part < 1))),
    }
  }
  const found = { metric: metric.name, repeats, candidate: of(both.candidate), baseline: of(both.baseline) }
  return Number.isFinite(found.candidate.passOnce + found.baseline.passOnce) ? [found] : []
}

/** The quality metric; throws for one that the task does not have or that cannot be compared by "not worse". */
export function requireQualityMetric(settings: MetricBasis & { metric: string }): Metric {
  const { metric: name, task } = settings
  const metric = findMetric(settings, name)
  if (!metric) {
    const names = metricsFor(settings).map((one) => one.name)
    throw invalidInput(`"${name}" is not a metric of ${task} answers.`, {
      name,
      hint: names.length === 0 ? 'Add "scorers" to the spec.' : `Use one of: ${names.join(', ')}.`,
    })
  }
  if (metric.direction !== 'zero') return metric
  throw invalidInput(`"${name}" cannot be the quality metric: it is best at zero, not at an end.`, {
    name,
    hint: 'Put it under "guardrails" with "within".',
  })
}

function unusableReason(
  { ids, labels, hidden }: Pairs,
  { candidate, baseline }: PairedSamples,
  { baselineName }: ComparisonSettings,
): string | undefined {
  const sides: [string, number[][]][] = [
    ['the candidate', candidate],
    [`the baseline (${baselineName})`, baseline],
  ]
  if (ids.length === 0 || labels.length !== ids.length) return 'there are no items to compare'
  if (candidate.length !== baseline.length) return 'the two sides have different numbers of repeats'
  for (const [side, outputs] of sides) {
    const missing = new Set(unansweredItems(outputs, ids.length))
    const bad = ids.flatMap((id, index) => (missing.has(index) ? [{ id, hidden: hidden?.[index] === true }] : []))
    if (bad.length === 0) continue
    const named = bad.filter((item) => !item.hidden).slice(0, 5)
    const rest = bad.length - named.length
    const more = rest === 0 ? '' : named.length === 0 ? `${rest} hidden` : ` and ${rest} more`
    return `${side} has no usable answer for ${bad.length} of ${ids.length} items: ${named.map(({ id }) => id).join(', ')}${more}`
  }
  return undefined
}

function failedComparison(settings: ComparisonSettings, reason: string, n: number): Comparison {
  const unknown: IntervalEstimate = { value: null, lower: null, upper: null }
  const nothing: Estimate = { value: null, n, lower: null, upper: null }
  const { metric, margin } = settings
  return {
    primary: { metric, difference: nothing, margin, method: 'none', verdict: 'error', reason, standardError: null },
    metrics: metricsFor(settings).map(({ name, direction }) => ({
      metric: name,
      direction,
      candidate: unknown,
      baseline: unknown,
      limits: null,
      undefined: null,
    })),
    unanswered: { count: 0, ids: [] },
    answered: null,
    slices: untestedSlices(settings.slices),
    stability: [],
    hidden: null,
  }
}

function primaryOf(paired: PairedDifference, { metric, margin, baselineName }: ComparisonSettings, n: number) {
  const { value } = paired
  const bounds = `${formatNumber(value)} (${formatBounds(paired)}, n ${n})`
  const better = value !== null && value >= 0 ? 'better' : 'worse'
  const words: Record<Verdict, string> = {
    pass: `${metric} is not worse than ${baselineName} by more than ${margin}: ${better} by ${bounds}`,
    fail: `${metric} is worse than ${baselineName} by more than ${margin}: ${bounds}`,
    cannot_tell: `${metric} may be worse than ${baselineName} by more than ${margin}: ${bounds}`,
    error: `${metric} could not be compared with ${baselineName}`,
  }
  const note = paired.note === '' ? '' : `; ${paired.note}`
  const undefinedNote = paired.verdict === 'cannot_tell' && value === null && paired.note !== ''
  return {
    metric,
    difference: estimateOf(paired, n, `positive: better than ${baselineName}; one-sided 95 % bounds`),
    margin,
    method: paired.method,
    verdict: paired.verdict,
    reason: undefinedNote ? `${metric} cannot tell: ${paired.note}` : `${words[paired.verdict]}${note}`,
  }
}

function estimateOf({ value, lower, upper }: IntervalEstimate, n: number, reference: string): Estimate {
  return { value, n, lower, upper, reference }
}
