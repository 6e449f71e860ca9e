import { normalCdf, normalQuantile, studentTCdf, studentTQuantile } from '../../core/stats/distributions.ts'
import { type MetricDefinition, metrics } from '../../core/stats/metrics.ts'
import { proportionInterval } from '../../core/stats/order-statistics.ts'
import { pairedBootstrap } from '../../core/stats/paired-bootstrap.ts'
import { pairedNonInferiority } from '../../core/stats/paired-difference.ts'
import { mean, variance } from '../../core/stats/summary.ts'
import { smallestMargin, tangoTest } from '../../core/stats/tango.ts'
import type { Task } from './answers.ts'
import type { Verdict } from './contract.ts'
import type { Bounded } from './rules.ts'

export type Metric = MetricDefinition & { name: string }

export function findMetric(task: Task, name: string): Metric | undefined {
  const found = Object.hasOwn(metrics, name) ? metrics[name] : undefined
  return found?.tasks.includes(task) ? { ...found, name } : undefined
}

export function metricNames(task: Task): string[] {
  return Object.keys(metrics).filter((name) => findMetric(task, name))
}

/** Whether every item is simply right or wrong, so that exact methods for counts apply. */
export function countsItems({ name }: Metric): boolean {
  return name === 'accuracy'
}

/** One-sided bounds at 95 % are the ends of a central 90 % interval. */
export const oneSided = 0.1
const twoSided = 0.05

type Answers = { labels: number[]; outputs: number[] }

/**
 * A metric with the central (1 - alpha) interval of one side: exact for shares, Student's t for means, bootstrap for
 * metrics that are no means. Undefined values (one class only) give nulls.
 */
export function intervalOf(metric: Metric, { labels, outputs }: Answers, seed: number, alpha = twoSided): Bounded {
  const n = labels.length
  const { perItem } = metric
  if (!perItem) {
    const candidate = drawn(metric, labels, outputs)
    const { estimate, lower, upper } = pairedBootstrap({ n, candidate, alpha, seed, resamples: resamplesFor(n) })
    return { value: finite(estimate), lower, upper }
  }
  const values = labels.map((label, index) => perItem(label, outputs[index] ?? Number.NaN))
  const value = finite(mean(values))
  if (countsItems(metric)) {
    return { value, ...proportionInterval(values.filter((right) => right === 1).length, n, alpha) }
  }
  const half = studentTQuantile(1 - alpha / 2, n - 1) * Math.sqrt(variance(values) / n)
  if (value === null || !Number.isFinite(half)) return { value, lower: null, upper: null }
  return { value, lower: value - half, upper: value + half }
}

/** A paired difference (positive: candidate better) with one-sided 95 % bounds and what follows for a margin. */
export type Paired = Bounded & {
  method: string
  verdict: Verdict
  standardError: number | null
  /** Chance of a result this bad if the candidate were no worse than the margin: small means proven harm. */
  harm: number | null
  note: string
}

type Both = { labels: number[]; candidate: number[]; baseline: number[] }

/** Tango's score for right/wrong items, bootstrap-t for mean losses, bootstrap of items for metrics that are no means. */
export function pairedOf(metric: Metric, both: Both, margin: number, seed: number): Paired {
  if (countsItems(metric)) return pairedShares(metric, both, margin)
  return metric.perItem ? pairedMeans(metric, both, margin, seed) : pairedWholes(metric, both, margin, seed)
}

function pairedShares({ perItem }: Metric, { labels, candidate, baseline }: Both, margin: number): Paired {
  const right = (outputs: number[], index: number) =>
    perItem?.(labels[index] ?? Number.NaN, outputs[index] ?? Number.NaN)
  const differences = labels.map((_, index) => Number(right(candidate, index)) - Number(right(baseline, index)))
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

function pairedMeans({ perItem, direction }: Metric, both: Both, margin: number, seed: number): Paired {
  const sign = direction === 'higher' ? 1 : -1
  const differences = both.labels.map((label, index) => {
    const of = (outputs: number[]) => perItem?.(label, outputs[index] ?? Number.NaN) ?? Number.NaN
    return sign * (of(both.candidate) - of(both.baseline))
  })
  const n = differences.length
  const standardError = Math.sqrt(variance(differences) / n)
  // Resampling has nothing to vary when every difference is the same.
  if (n > 1 && standardError === 0) return sameEverywhere(mean(differences), margin)
  const found = pairedNonInferiority({ differences, margin, seed })
  const harm = studentTCdf((found.mean + margin) / standardError, n - 1)
  return {
    value: finite(found.mean),
    lower: found.lower,
    upper: found.upper,
    method: found.method,
    verdict: found.verdict,
    standardError: finite(standardError),
    harm: finite(harm),
    note: found.method === 'none' ? found.reason : found.weak ? 'so few items give weak bounds' : '',
  }
}

function sameEverywhere(value: number, margin: number): Paired {
  const same = { value, lower: value, upper: value, method: 'none', standardError: null }
  if (value === 0) return { ...same, verdict: 'cannot_tell', harm: 1, note: 'both answer every item alike' }
  return {
    ...same,
    verdict: value > -margin ? 'pass' : 'fail',
    harm: value > -margin ? 1 : 0,
    note: 'every item differs by the same',
  }
}

function pairedWholes(metric: Metric, { labels, candidate, baseline }: Both, margin: number, seed: number): Paired {
  const sign = metric.direction === 'higher' ? 1 : -1
  const [first, second] = [drawn(metric, labels, candidate), drawn(metric, labels, baseline)]
  const { estimate, lower, upper } = pairedBootstrap({
    n: labels.length,
    candidate: (items) => sign * first(items),
    baseline: (items) => sign * second(items),
    alpha: oneSided,
    seed,
    resamples: resamplesFor(labels.length),
  })
  const value = finite(estimate)
  const method = 'paired bootstrap'
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
    note: same ? 'both answer every item alike' : '',
  }
}

function drawn({ value }: Metric, labels: number[], outputs: number[]): (items: Int32Array) => number {
  const [allLabels, allOutputs] = [Float64Array.from(labels), Float64Array.from(outputs)]
  const [drawnLabels, drawnOutputs] = [new Float64Array(labels.length), new Float64Array(labels.length)]
  return (items) => {
    for (let index = 0; index < items.length; index++) {
      const item = items[index] ?? 0
      drawnLabels[index] = allLabels[item] ?? Number.NaN
      drawnOutputs[index] = allOutputs[item] ?? Number.NaN
    }
    return value(drawnLabels, drawnOutputs)
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
