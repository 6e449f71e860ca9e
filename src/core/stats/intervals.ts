import { betaCdf, betaQuantile, normalQuantile } from './distributions.ts'
import { elementAt } from './element-at.ts'
import { ascending } from './summary.ts'

/**
 * A quantile (0 < p < 1) with its distribution-free central (1 - alpha) interval between two of the values: the
 * narrowest ranks whose exact binomial tails are at most alpha / 2 (for large n: n p ± z sqrt(n p (1 - p))). A bound is
 * null when there are too few values for it. Throws a RangeError on a NaN.
 * Source: David and Nagaraja, Order Statistics (2003), section 7.1.
 */
export function quantileInterval(
  values: readonly number[],
  p: number,
  alpha = 0.05,
): { value: number; lower: number | null; upper: number | null } {
  if (values.some(Number.isNaN)) throw new RangeError('A quantile of values that are missing is not known')
  const sorted = ascending(values)
  const n = sorted.length
  if (n === 0) return { value: Number.NaN, lower: null, upper: null }
  const { low, high } = ranksOf(n, p, alpha)
  return {
    value: elementAt(sorted, Math.min(n, Math.max(1, Math.ceil(p * n))) - 1),
    lower: low < 1 ? null : elementAt(sorted, low - 1),
    upper: high > n ? null : elementAt(sorted, high - 1),
  }
}

/** Ranks (from 1) of the bounds; 0 or n + 1 where no value is extreme enough. */
function ranksOf(n: number, p: number, alpha: number): { low: number; high: number } {
  // Chance that at least `rank` of n values are below the quantile.
  const reached = (rank: number) => (rank <= 0 ? 1 : rank > n ? 0 : betaCdf(p, rank, n - rank + 1))
  const guess = Math.round(n * p)
  const spread = Math.round(-normalQuantile(alpha / 2) * Math.sqrt(n * p * (1 - p)))
  let low = Math.max(0, guess - spread)
  while (low < n && 1 - reached(low + 1) <= alpha / 2) low += 1
  while (low > 0 && 1 - reached(low) > alpha / 2) low -= 1
  let high = Math.min(n + 1, guess + spread)
  while (high > 1 && reached(high - 1) <= alpha / 2) high -= 1
  while (high <= n && reached(high) > alpha / 2) high += 1
  return { low, high }
}

/** Exact central (1 - alpha) interval of a proportion. Source: Clopper and Pearson, Biometrika 26 (1934). */
export function proportionInterval(successes: number, n: number, alpha = 0.05): { lower: number; upper: number } {
  return {
    lower: successes === 0 ? 0 : betaQuantile(alpha / 2, successes, n - successes + 1),
    upper: successes === n ? 1 : betaQuantile(1 - alpha / 2, successes + 1, n - successes),
  }
}

/** Score interval of a proportion: narrower than the exact one, right on average. Source: Wilson, JASA 22 (1927). */
export function wilsonInterval(successes: number, n: number, alpha = 0.05): { lower: number; upper: number } {
  if (n === 0) return { lower: 0, upper: 1 }
  const z = normalQuantile(1 - alpha / 2)
  const rate = successes / n
  const center = (rate + (z * z) / (2 * n)) / (1 + (z * z) / n)
  const half = (z * Math.sqrt((rate * (1 - rate) + (z * z) / (4 * n)) / n)) / (1 + (z * z) / n)
  return { lower: successes === 0 ? 0 : center - half, upper: successes === n ? 1 : center + half }
}
