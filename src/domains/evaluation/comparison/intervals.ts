import { normalCdf, normalQuantile, studentTCdf, studentTQuantile } from '../../../core/stats/distributions.ts'
import { proportionInterval } from '../../../core/stats/intervals.ts'
import { pairedBootstrap } from '../../../core/stats/paired-bootstrap.ts'
import { clusteredMean, pairedNonInferiority } from '../../../core/stats/paired-difference.ts'
import { smallestMargin, tangoTest } from '../../../core/stats/paired-proportions.ts'
import { mean, variance } from '../../../core/stats/summary.ts'
import type { Verdict } from '../contract.ts'
import type { IntervalEstimate } from '../rules.ts'
import { clustersOf, type Grouping, type Metric, metricOf, metricOnDraw, partsOf, type Sample } from './units.ts'

/** One-sided bounds at 95 % are the ends of a central 90 % interval. */
export const oneSided = 0.1
const twoSided = 0.05
/** What is noted where nothing differs. */
export const alike = 'both answer every item alike'

/**
 * A metric with the central (1 - alpha) interval of one side: exact for shares, Student's t for means (over clusters
 * where there are any), bootstrap for metrics that are not means. Undefined values (one class only) give nulls.
 */
export function intervalOf(
  metric: Metric,
  sample: Sample,
  seed: number,
  { alpha = twoSided, resamples = resamplesFor(sample.labels.length) } = {},
): IntervalEstimate {
  const value = finite(metricOf(metric, sample))
  const parts = partsOf(metric, sample)
  if (!parts) {
    const n = sample.labels.length
    const candidate = metricOnDraw(metric, sample)
    const { lower, upper } = pairedBootstrap({
      n,
      candidate,
      alpha,
      seed,
      resamples,
      ...clustersIn(sample),
    })
    return { value, lower, upper }
  }
  if (metric.counts && !sample.clusters && allShares(parts)) {
    return { value, ...proportionInterval(parts.filter((right) => right === 1).length, parts.length, alpha) }
  }
  const { error, freedom } = clusteredMean(parts, clustersOf(metric, sample))
  const half = freedom > 0 ? studentTQuantile(1 - alpha / 2, freedom) * error : Number.NaN
  if (value === null || !Number.isFinite(half)) return { value, lower: null, upper: null }
  return { value, lower: value - half, upper: value + half }
}

function clustersIn({ clusters }: Grouping): { clusters?: readonly string[] } {
  return clusters ? { clusters } : {}
}

function allShares(parts: readonly number[]): boolean {
  return parts.every((part) => part === 0 || part === 1)
}

/** A paired difference (positive: candidate better) with one-sided 95 % bounds and what follows for a margin. */
export type PairedDifference = IntervalEstimate & {
  method: string
  verdict: Verdict
  standardError: number | null
  /** Chance of a result this bad if the candidate were no worse than the margin: small means proven harm. */
  harm: number | null
  note: string
}

export type PairedSamples = Grouping & { labels: number[]; candidate: number[][]; baseline: number[][] }

/**
 * Tango's score for independent right/wrong items, bootstrap-t for means of items or lists, bootstrap of items for metrics that
 * are not means. Repeated answers to an item count as one, their mean; clusters are resampled whole.
 */
export function pairedDifference(metric: Metric, both: PairedSamples, margin: number, seed: number): PairedDifference {
  const sides = sidesOf(both)
  const [candidate, baseline] = [partsOf(metric, sides.candidate), partsOf(metric, sides.baseline)]
  if (!candidate || !baseline) return differenceByBootstrap(metric, both, margin, seed)
  const exact = metric.counts && !both.clusters && allShares(candidate) && allShares(baseline)
  const sign = metric.direction === 'higher' ? 1 : -1
  const differences = candidate.map((part, index) => sign * (part - (baseline[index] ?? Number.NaN)))
  return exact
    ? differenceOfShares(differences, margin)
    : differenceOfMeans(differences, clustersOf(metric, both), margin, seed)
}

function sidesOf({ candidate, baseline, ...shared }: PairedSamples): { candidate: Sample; baseline: Sample } {
  return { candidate: { ...shared, outputs: candidate }, baseline: { ...shared, outputs: baseline } }
}

function differenceOfShares(differences: number[], margin: number): PairedDifference {
  const n = differences.length
  const counts = {
    candidateOnly: differences.filter((difference) => difference > 0).length,
    baselineOnly: differences.filter((difference) => difference < 0).length,
    n,
  }
  const { z, pass, lowerBound, upperBound } = tangoTest({ ...counts, margin })
  return {
    value: finite(mean(differences)),
    lower: lowerBound,
    upper: upperBound,
    method: 'Tango score',
    verdict: pass ? 'pass' : upperBound < -margin ? 'fail' : 'cannot_tell',
    standardError: finite(Math.sqrt(variance(differences) / n)),
    harm: finite(normalCdf(z)),
    note: `only the candidate is right on ${counts.candidateOnly}, only the other on ${counts.baselineOnly}`,
  }
}

function differenceOfMeans(
  differences: number[],
  clusters: readonly string[] | undefined,
  margin: number,
  seed: number,
): PairedDifference {
  const { error, freedom } = clusteredMean(differences, clusters)
  // When every difference is the same, resampling gives no spread.
  if (freedom > 0 && error === 0) return equalDifferences(mean(differences), margin)
  const found = pairedNonInferiority({ differences, margin, seed, ...clustersIn({ clusters }) })
  const harm = freedom > 0 ? studentTCdf((found.mean + margin) / error, freedom) : Number.NaN
  return {
    value: finite(found.mean),
    lower: found.lower,
    upper: found.upper,
    method: clusters && found.method !== 'none' ? `${found.method} over ${freedom + 1} clusters` : found.method,
    verdict: found.verdict,
    standardError: finite(error),
    harm: finite(harm),
    note: found.method === 'none' ? clause(found.reason) : found.weak ? 'so few items give weak bounds' : '',
  }
}

/** A sentence as a part of another. */
function clause(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '')
}

function equalDifferences(value: number, margin: number): PairedDifference {
  const same = { value, lower: value, upper: value, method: 'none', standardError: null }
  if (value === 0) return { ...same, verdict: 'cannot_tell', harm: 1, note: alike }
  return {
    ...same,
    verdict: value > -margin ? 'pass' : 'fail',
    harm: value > -margin ? 1 : 0,
    note: 'every item differs by the same',
  }
}

function differenceByBootstrap(metric: Metric, both: PairedSamples, margin: number, seed: number): PairedDifference {
  const sign = metric.direction === 'higher' ? 1 : -1
  const sides = sidesOf(both)
  const [first, second] = [metricOnDraw(metric, sides.candidate), metricOnDraw(metric, sides.baseline)]
  const { estimate, lower, upper } = pairedBootstrap({
    n: both.labels.length,
    candidate: (items) => sign * first(items),
    baseline: (items) => sign * second(items),
    alpha: oneSided,
    seed,
    resamples: resamplesFor(both.labels.length),
    ...clustersIn(both),
  })
  const value = finite(estimate)
  const method = both.clusters ? 'paired bootstrap of clusters' : 'paired bootstrap'
  if (value === null || lower === null || upper === null) {
    const note = `${metric.name} is not defined on these items`
    return { value, lower: null, upper: null, method, verdict: 'cannot_tell', standardError: null, harm: null, note }
  }
  const standardError = (upper - lower) / (2 * normalQuantile(1 - oneSided / 2))
  const same = standardError === 0 && value === 0
  return {
    value,
    lower,
    upper,
    method,
    verdict: same ? 'cannot_tell' : lower > -margin ? 'pass' : upper < -margin ? 'fail' : 'cannot_tell',
    standardError: same ? null : standardError,
    harm: standardError === 0 ? Number(value > -margin) : finite(normalCdf((value + margin) / standardError)),
    note: same ? alike : '',
  }
}

/** A thousand, fewer for very large sets, where the bounds are narrow anyway and the time would be long. */
function resamplesFor(n: number): number {
  return Math.max(400, Math.min(1000, Math.floor(2_000_000 / n)))
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** The smallest margin that `items` pairs of right/wrong answers can prove between equally good models. */
export function smallestShareMargin(items: number, discordance: number): number {
  return smallestMargin({ n: items, discordance })
}

/**
 * The smallest margin that `items` paired losses can prove between equally good models, from the standard error seen on
 * `measuredOn` items; `powered` is the margin proved in 80 % of such cases.
 */
export function smallestMeanMargin({
  standardError,
  measuredOn,
  items,
}: {
  standardError: number
  measuredOn: number
  items: number
}): { margin: number; powered: number } {
  const expected = standardError * Math.sqrt(measuredOn / items)
  const margin = normalQuantile(1 - oneSided / 2) * expected
  return { margin, powered: margin + normalQuantile(0.8) * expected }
}

/** Items that prove `margin` in 80 % of cases when both are equally good and `spread` is the variance of a difference. */
export function itemsNeeded({ margin, variance: spread }: { margin: number; variance: number }): number {
  return Math.ceil(((normalQuantile(1 - oneSided / 2) + normalQuantile(0.8)) / margin) ** 2 * spread)
}

/**
 * The same for right/wrong answers by how often two models disagree. Even models that never do need z^2 (1 - margin) / margin
 * items: that many before the score's bound at no difference reaches the margin.
 */
export function itemsNeededForShares({ margin, discordance }: { margin: number; discordance: number }): number {
  const z = normalQuantile(1 - oneSided / 2)
  return Math.max(itemsNeeded({ margin, variance: discordance }), Math.ceil((z * z * (1 - margin)) / margin))
}
