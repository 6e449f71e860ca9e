import { studentTQuantile } from './distributions.ts'
import { elementAt } from './element-at.ts'
import { createRandom } from './random.ts'
import { ascending, mean, sum } from './summary.ts'

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
 * differences; Student's t, marked weak, below; no statement with fewer than 10 non-zero differences. With clusters
 * all these numbers count clusters, because only they are independent.
 * Pass: the lower bound is above -margin. Fail: the upper bound is below -margin. A NaN is an error, never a pass.
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 12.
 */
export function pairedNonInferiority({ differences, margin, alpha = 0.05, seed = 1, clusters }: Input): NonInferiority {
  const n = differences.length
  const nothing = { n, mean: Number.NaN, lower: null, upper: null, method: 'none' as const, weak: true }
  if (n === 0) return { ...nothing, verdict: 'error', reason: 'There are no items.' }
  if (!(margin >= 0)) return { ...nothing, verdict: 'error', reason: `The margin ${margin} is not 0 or more.` }
  const broken = differences.filter((difference) => !Number.isFinite(difference)).length
  if (broken > 0) return { ...nothing, verdict: 'error', reason: `${broken} of ${n} items have no difference.` }
  if (clusters && clusters.length !== n) {
    return { ...nothing, verdict: 'error', reason: `${n} items have ${clusters.length} clusters.` }
  }
  const center = mean(differences)
  const groups = clusters ? grouped(differences, clusters) : differences.map((difference) => [difference])
  const moved = groups.filter((group) => group.some((difference) => difference !== 0)).length
  if (moved < fewest) {
    const units = clusters ? 'clusters' : 'items'
    const reason = `Only ${moved} of ${groups.length} ${units} differ; ${fewest} are needed.`
    return { ...nothing, mean: center, verdict: 'cannot_tell', reason }
  }
  const boots = groups.length >= enough
  const { lower, upper } = boots ? bootstrapT(groups, center, alpha, seed) : studentT(groups, center, alpha)
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
  const digits = (value: number) => String(Number(value.toPrecision(4)))
  if (verdict === 'pass') return `The lower bound ${digits(lower)} is above ${digits(-margin)}.`
  if (verdict === 'fail') return `The upper bound ${digits(upper)} is below ${digits(-margin)}.`
  return `The interval ${digits(lower)} … ${digits(upper)} contains ${digits(-margin)}: more items are needed.`
}

function grouped(differences: readonly number[], clusters: readonly string[]): number[][] {
  const groups = new Map<string, number[]>()
  for (const [index, difference] of differences.entries()) {
    const name = elementAt(clusters, index)
    const group = groups.get(name)
    if (group) group.push(difference)
    else groups.set(name, [difference])
  }
  return [...groups.values()]
}

/**
 * The mean of one side's values with its standard error and degrees of freedom; with clusters only they count as
 * independent (linearised ratio). NaN errors with fewer than two units.
 */
export function clusteredMean(values: readonly number[], clusters?: readonly string[]) {
  const center = mean(values)
  const groups = clusters ? grouped(values, clusters) : values.map((value) => [value])
  const residuals = residualsOf(groups, center)
  return { mean: center, error: shiftOf(residuals, everyGroupOf(residuals)).error, freedom: groups.length - 1 }
}

/** A group as its size and its residual: what its sum is above `size` times the mean of all. */
type Residuals = { residuals: Float64Array; sizes: Float64Array }

function residualsOf(groups: readonly number[][], center: number): Residuals {
  return {
    residuals: Float64Array.from(groups, (group) => sum(group.map((difference) => difference - center))),
    sizes: Float64Array.from(groups, (group) => group.length),
  }
}

/** How far the mean of the picked groups is from the center, and its standard error (linearised ratio). */
function shiftOf({ residuals, sizes }: Residuals, picks: Int32Array): { shift: number; error: number } {
  let [total, count, squares, products, sizeSquares] = [0, 0, 0, 0, 0]
  for (const pick of picks) {
    const residual = elementAt(residuals, pick)
    const size = elementAt(sizes, pick)
    total += residual
    count += size
    squares += residual * residual
    products += residual * size
    sizeSquares += size * size
  }
  const shift = total / count
  const scatter = Math.max(0, squares - 2 * shift * products + shift * shift * sizeSquares)
  const groups = picks.length
  return { shift, error: Math.sqrt((scatter * groups) / (groups - 1)) / count }
}

function everyGroupOf({ sizes }: Residuals): Int32Array {
  return Int32Array.from(sizes, (_, index) => index)
}

function bootstrapT(groups: readonly number[][], center: number, alpha: number, seed: number) {
  const random = createRandom(seed)
  const residuals = residualsOf(groups, center)
  const { error } = shiftOf(residuals, everyGroupOf(residuals))
  const picks = new Int32Array(groups.length)
  const statistics = Array.from({ length: resamples }, () => {
    for (let index = 0; index < picks.length; index++) picks[index] = Math.floor(random() * picks.length)
    const drawn = shiftOf(residuals, picks)
    // A draw without scatter is as far off as can be: leaving it out would narrow the interval.
    return drawn.shift === 0 ? 0 : drawn.shift / drawn.error
  })
  const sorted = ascending(statistics)
  const quantile = (p: number) => elementAt(sorted, Math.ceil(p * resamples) - 1)
  // Without any scatter at all the statistics are rounding noise over nothing, and the bounds are the mean itself.
  if (error === 0) return { lower: center, upper: center }
  return { lower: center - quantile(1 - alpha) * error, upper: center - quantile(alpha) * error }
}

function studentT(groups: readonly number[][], center: number, alpha: number) {
  const residuals = residualsOf(groups, center)
  const { error } = shiftOf(residuals, everyGroupOf(residuals))
  const half = studentTQuantile(1 - alpha, groups.length - 1) * error
  return { lower: center - half, upper: center + half }
}

/**
 * Latency or cost: is the ratio candidate over baseline surely at most `limit`? Student's t on the differences of
 * logarithms; `upper` is the one-sided (1 - alpha) bound of the geometric mean ratio. Pairs are [candidate, baseline],
 * both > 0; a pair that has no such ratio is an error, never a pass, and fewer than 10 pairs cannot tell.
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
  const n = pairs.length
  const broken = pairs.filter((pair) => !pair.every((value) => value > 0 && Number.isFinite(value))).length
  const nothing = { n, ratio: Number.NaN, lower: null, upper: null, weak: true, verdict: 'error' as const }
  if (broken > 0) return { ...nothing, reason: `${broken} of ${n} pairs have no ratio.` }
  if (n < 2) return { ...nothing, reason: `${n} pairs have no spread.` }
  if (!(limit > 0)) return { ...nothing, reason: `The limit ${limit} is not above 0.` }
  const logs = pairs.map(([candidate, baseline]) => Math.log(candidate / baseline))
  const center = mean(logs)
  const bounds = studentT(
    logs.map((log) => [log]),
    center,
    alpha,
  )
  const [lower, upper] = [Math.exp(bounds.lower), Math.exp(bounds.upper)]
  const measured = { n, ratio: Math.exp(center), lower, upper, weak: n < enough }
  if (n < fewest) {
    return { ...measured, verdict: 'cannot_tell' as const, reason: `Only ${n} pairs; ${fewest} are needed.` }
  }
  const digits = (value: number) => String(Number(value.toPrecision(4)))
  const interval = `${digits(lower)} … ${digits(upper)}`
  if (upper <= limit) return { ...measured, verdict: 'pass' as const, reason: `${interval} is within ${limit}.` }
  if (lower > limit) return { ...measured, verdict: 'fail' as const, reason: `${interval} is above ${limit}.` }
  return { ...measured, verdict: 'cannot_tell' as const, reason: `${interval} contains ${limit}.` }
}
