import { studentTQuantile } from './distributions.ts'
import { elementAt } from './element-at.ts'
import { createRandom } from './random.ts'
import { ascending, mean, variance } from './summary.ts'

export type NonInferiority = {
  n: number
  mean: number
  /** One-sided (1 - alpha) bounds of the mean difference. */
  lower: number | null
  upper: number | null
  method: 'bootstrap-t' | 't' | 'none'
  /** Too few items for the bounds to be trusted much. */
  weak: boolean
  verdict: 'pass' | 'fail' | 'cannot_tell' | 'error'
  reason: string
}

type Input = {
  /** Candidate minus baseline per item, oriented so that positive means the candidate is better. */
  differences: readonly number[]
  /** How much worse is still acceptable, in units of the metric, >= 0. */
  margin: number
  alpha?: number
  seed?: number
  /** A group for each item (same user, same document): groups are resampled, not items. */
  clusters?: readonly string[]
}

const resamples = 2_000
const fewest = 10
const enough = 50

/**
 * Paired non-inferiority of a mean. Bootstrap-t (2,000 seeded resamples) from 50 items with at least 10 non-zero
 * differences; Student's t, marked weak, below; no statement with fewer than 10 non-zero differences.
 * Pass: the lower bound is above -margin. Fail: the upper bound is below -margin. A NaN is an error, never a pass.
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 12.
 */
export function pairedNonInferiority({ differences, margin, alpha = 0.05, seed = 1, clusters }: Input): NonInferiority {
  const n = differences.length
  const nothing = { n, mean: Number.NaN, lower: null, upper: null, method: 'none' as const, weak: true }
  if (n === 0) return { ...nothing, verdict: 'error', reason: 'There are no items.' }
  const broken = differences.filter((difference) => !Number.isFinite(difference)).length
  if (broken > 0) return { ...nothing, verdict: 'error', reason: `${broken} of ${n} items have no difference.` }
  const center = mean(differences)
  const moved = differences.filter((difference) => difference !== 0).length
  if (moved < fewest) {
    return {
      ...nothing,
      mean: center,
      verdict: 'cannot_tell',
      reason: `Only ${moved} of ${n} items differ; ${fewest} are needed.`,
    }
  }
  const groups = clusters === undefined ? differences.map((difference) => [difference]) : grouped(differences, clusters)
  const boots = groups.length >= enough
  const { lower, upper } = boots ? bootstrapT(groups, center, alpha, seed) : studentT(groups, center, n, alpha)
  const verdict = lower > -margin ? 'pass' : upper < -margin ? 'fail' : 'cannot_tell'
  return {
    n,
    mean: center,
    lower,
    upper,
    method: boots ? 'bootstrap-t' : 't',
    weak: !boots,
    verdict,
    reason: reasonOf(verdict, lower, upper, margin),
  }
}

function reasonOf(verdict: string, lower: number, upper: number, margin: number): string {
  const digits = (value: number) => value.toFixed(4)
  if (verdict === 'pass') return `The lower bound ${digits(lower)} is above ${digits(-margin)}.`
  if (verdict === 'fail') return `The upper bound ${digits(upper)} is below ${digits(-margin)}.`
  return `The interval ${digits(lower)} … ${digits(upper)} contains ${digits(-margin)}: more items are needed.`
}

function grouped(differences: readonly number[], clusters: readonly string[]): number[][] {
  const groups = new Map<string, number[]>()
  for (const [index, difference] of differences.entries()) {
    const name = elementAt(clusters, index)
    groups.set(name, [...(groups.get(name) ?? []), difference])
  }
  return [...groups.values()]
}

/** Mean over items and its standard error over groups (linearised ratio). */
function summarize(sums: Float64Array, sizes: Float64Array, picks: Int32Array): { center: number; error: number } {
  let total = 0
  let count = 0
  for (const pick of picks) {
    total += elementAt(sums, pick)
    count += elementAt(sizes, pick)
  }
  const center = total / count
  let squares = 0
  for (const pick of picks) squares += (elementAt(sums, pick) - center * elementAt(sizes, pick)) ** 2
  const g = picks.length
  return { center, error: Math.sqrt((squares * g) / (g - 1)) / count }
}

function bootstrapT(groups: number[][], center: number, alpha: number, seed: number): { lower: number; upper: number } {
  const random = createRandom(seed)
  const g = groups.length
  const sums = Float64Array.from(groups, (group) => group.reduce((total, value) => total + value, 0))
  const sizes = Float64Array.from(groups, (group) => group.length)
  const { error } = summarize(
    sums,
    sizes,
    Int32Array.from({ length: g }, (_, index) => index),
  )
  const statistics: number[] = []
  const picks = new Int32Array(g)
  for (let resample = 0; resample < resamples; resample++) {
    for (let index = 0; index < g; index++) picks[index] = Math.floor(random() * g)
    const drawn = summarize(sums, sizes, picks)
    if (drawn.error > 0) statistics.push((drawn.center - center) / drawn.error)
  }
  const sorted = ascending(statistics)
  const quantile = (p: number) =>
    elementAt(sorted, Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1)))
  return { lower: center - quantile(1 - alpha) * error, upper: center - quantile(alpha) * error }
}

function studentT(groups: number[][], center: number, n: number, alpha: number): { lower: number; upper: number } {
  const means = groups.map((group) => (group.reduce((total, value) => total + value, 0) * groups.length) / n)
  const half = studentTQuantile(1 - alpha, groups.length - 1) * Math.sqrt(variance(means) / groups.length)
  return { lower: center - half, upper: center + half }
}

/**
 * Latency or cost: is the ratio candidate over baseline surely at most `limit`? Student's t on the differences of
 * logarithms; `upper` is the one-sided (1 - alpha) bound of the geometric mean ratio. Pairs are [candidate, baseline], > 0.
 */
export function ratioNonInferiority({
  pairs,
  limit,
  alpha = 0.05,
}: {
  pairs: readonly (readonly [number, number])[]
  limit: number
  alpha?: number
}) {
  const logs = pairs.map(([candidate, baseline]) => Math.log(candidate / baseline))
  const n = logs.length
  if (n < 2 || logs.some((value) => !Number.isFinite(value))) {
    return { n, ratio: Number.NaN, lower: null, upper: null, verdict: 'error' as const }
  }
  const center = mean(logs)
  const half = studentTQuantile(1 - alpha, n - 1) * Math.sqrt(variance(logs) / n)
  const [lower, upper] = [Math.exp(center - half), Math.exp(center + half)]
  const verdict = upper <= limit ? ('pass' as const) : lower > limit ? ('fail' as const) : ('cannot_tell' as const)
  return { n, ratio: Math.exp(center), lower, upper, verdict }
}
