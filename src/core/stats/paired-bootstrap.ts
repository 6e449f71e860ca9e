import { elementAt } from './element-at.ts'
import { createRandom } from './random.ts'
import { ascending } from './summary.ts'

type Input = {
  n: number
  /** The metric of candidate and baseline over the given items; NaN where it is not defined for a draw. */
  candidate: (items: Int32Array) => number
  baseline?: (items: Int32Array) => number
  alpha?: number
  seed?: number
  resamples?: number
}

/**
 * Percentile bootstrap over items of a metric that is no mean (AUC, F1, NDCG), or of its paired difference candidate
 * minus baseline when a baseline is given. `lower` and `upper` bound the central (1 - alpha) interval.
 * Draws in which the metric is not defined are left out; fewer than half left over gives null bounds.
 */
export function pairedBootstrap({ n, candidate, baseline, alpha = 0.05, seed = 1, resamples = 1_000 }: Input) {
  const value = (items: Int32Array) => candidate(items) - (baseline ? baseline(items) : 0)
  const random = createRandom(seed)
  const items = new Int32Array(n)
  const draws: number[] = []
  for (let resample = 0; resample < resamples; resample++) {
    for (let index = 0; index < n; index++) items[index] = Math.floor(random() * n)
    const drawn = value(items)
    if (Number.isFinite(drawn)) draws.push(drawn)
  }
  const estimate = value(Int32Array.from({ length: n }, (_, index) => index))
  if (draws.length < resamples / 2) return { estimate, lower: null, upper: null }
  const sorted = ascending(draws)
  const quantile = (p: number) => elementAt(sorted, Math.min(sorted.length - 1, Math.floor(p * sorted.length)))
  return { estimate, lower: quantile(alpha / 2), upper: quantile(1 - alpha / 2) }
}
