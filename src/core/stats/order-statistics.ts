import { betaQuantile, normalQuantile } from './distributions.ts'
import { elementAt } from './element-at.ts'
import { ascending } from './summary.ts'

/** A quantile (0 < p < 1) with its distribution-free interval by ranks n(p ± z sqrt(p(1-p)/n)); null bounds when n is too small. */
export function quantileInterval(
  values: readonly number[],
  p: number,
  alpha = 0.05,
): { value: number; lower: number | null; upper: number | null } {
  const sorted = ascending(values)
  const n = sorted.length
  if (n === 0) return { value: Number.NaN, lower: null, upper: null }
  const z = normalQuantile(1 - alpha / 2)
  const spread = z * Math.sqrt((p * (1 - p)) / n)
  const [low, high] = [Math.floor(n * (p - spread)), Math.ceil(n * (p + spread))]
  const value = elementAt(sorted, Math.min(n - 1, Math.max(0, Math.ceil(p * n) - 1)))
  return {
    value,
    lower: low < 1 ? null : elementAt(sorted, low - 1),
    upper: high > n ? null : elementAt(sorted, high - 1),
  }
}

/** Exact (Clopper-Pearson 1934) interval of a proportion. */
export function proportionInterval(successes: number, n: number, alpha = 0.05): { lower: number; upper: number } {
  return {
    lower: successes === 0 ? 0 : betaQuantile(alpha / 2, successes, n - successes + 1),
    upper: successes === n ? 1 : betaQuantile(1 - alpha / 2, successes + 1, n - successes),
  }
}
