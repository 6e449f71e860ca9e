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
  /** A group for each item: groups are drawn instead of items, so draws differ in length. */
  clusters?: readonly string[]
}

/**
 * Percentile bootstrap over items of a metric that is no mean (AUC, F1, NDCG), or of its paired difference candidate
 * minus baseline when a baseline is given. `lower` and `upper` bound the central (1 - alpha) interval.
 * Draws in which the metric is not defined are left out; fewer than half left over gives null bounds. An interval of no
 * width means that nothing varied, not that the difference is known.
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
 */
export function pairedBootstrap({
  n,
  candidate,
  baseline,
  alpha = 0.05,
  seed = 1,
  resamples = 1_000,
  clusters,
}: Input) {
  const value = (items: Int32Array) => candidate(items) - (baseline ? baseline(items) : 0)
  const estimate = value(Int32Array.from({ length: n }, (_, index) => index))
  if (n === 0) return { estimate, lower: null, upper: null }
  const draw = drawsOf(n, createRandom(seed), clusters)
  const draws: number[] = []
  for (let resample = 0; resample < resamples; resample++) {
    const drawn = value(draw())
    if (Number.isFinite(drawn)) draws.push(drawn)
  }
  if (draws.length < resamples / 2) return { estimate, lower: null, upper: null }
  const sorted = ascending(draws)
  const outside = Math.floor((alpha / 2) * sorted.length)
  return { estimate, lower: elementAt(sorted, outside), upper: elementAt(sorted, sorted.length - 1 - outside) }
}

/** A function that gives the items of another draw; the array may be the same one again. */
function drawsOf(n: number, random: () => number, clusters: readonly string[] | undefined): () => Int32Array {
  if (!clusters) {
    const items = new Int32Array(n)
    return () => {
      for (let index = 0; index < n; index++) items[index] = Math.floor(random() * n)
      return items
    }
  }
  if (clusters.length !== n) throw new RangeError(`${n} items have ${clusters.length} clusters`)
  const members = [...Map.groupBy(clusters.keys(), (item) => elementAt(clusters, item)).values()]
  return () => {
    const picked = members.map(() => elementAt(members, Math.floor(random() * members.length)))
    return Int32Array.from(picked.flat())
  }
}
