import { ddSketchQuantiles } from './ddsketch.ts'
import { chiSquareSurvival } from './distributions.ts'
import { chiSquareContingency } from './drift-distances.ts'
import { elementAt } from './element-at.ts'
import { kolmogorovLimit } from './kolmogorov-smirnov.ts'
import { type Sketch, sketchDrift } from './sketch.ts'

/** Every usual measure of one column's drift, from two sketches over the same bins. */
export type SketchTests = {
  /** Values of the reference and of the window, unusable ones included. */
  n: number
  m: number
  /** In nats; see `sketchDrift`. */
  psi: number
  /** The index that chance exceeds once in twenty times at these sizes. */
  critical: number
  /** Chance of such an index when nothing moved: chi-square with bins - 1 degrees of freedom. */
  p: number
  jensenShannon: number
  /** Numbers: largest distance of the distribution functions at the bins' bounds, and its p-value. */
  kolmogorovSmirnov: { distance: number; p: number } | null
  /** Numbers: area between the quantile functions in standard deviations of the reference; within 2 % of it. */
  wasserstein: number | null
  /** Categories: both samples count as random. */
  chiSquare: { statistic: number; p: number } | null
  /** Share of values that are missing or no number. */
  missing: number
  /** Share of values beyond what the reference held: under, over, or a new category. */
  unseen: number
}

/** `before` holds the reference's own values. NaN where a side is empty. */
export function sketchTests(before: Sketch, now: Sketch): SketchTests {
  const n = total(before.counts)
  const {
    n: m,
    bins,
    psi,
    critical,
    jensenShannon,
  } = sketchDrift({ ...now, reference: { ...now.reference, counts: before.counts } })
  const last = now.counts.length - 1
  const numeric = now.reference.kind === 'numeric'
  const empty = n === 0 || m === 0
  const outside = numeric ? elementAt(now.counts, 0) + elementAt(now.counts, last - 1) : elementAt(now.counts, last - 1)
  return {
    n,
    m,
    psi,
    critical,
    p: empty ? Number.NaN : chiSquareSurvival(psi / (1 / n + 1 / m), Math.max(1, bins - 1)),
    jensenShannon,
    kolmogorovSmirnov: numeric && !empty ? binnedKolmogorovSmirnov(before.counts, now.counts) : null,
    wasserstein: numeric ? quantileArea(before, now) : null,
    chiSquare: numeric || empty ? null : chiSquareContingency(before.counts, now.counts),
    missing: m === 0 ? Number.NaN : elementAt(now.counts, last) / m,
    unseen: m === 0 ? Number.NaN : outside / m,
  }
}

/** Over the usable values; a lower bound of the exact distance, so its p-value is on the safe side. */
function binnedKolmogorovSmirnov(before: readonly number[], now: readonly number[]): { distance: number; p: number } {
  const [first, second] = [before.slice(0, -1), now.slice(0, -1)]
  const [n, m] = [total(first), total(second)]
  if (n === 0 || m === 0) return { distance: Number.NaN, p: Number.NaN }
  let [below, lower, distance] = [0, 0, 0]
  for (const [bin, count] of first.entries()) {
    below += count / n
    lower += elementAt(second, bin) / m
    distance = Math.max(distance, Math.abs(below - lower))
  }
  return { distance, p: kolmogorovLimit(distance, Math.max(1, Math.round((n * m) / (n + m)))) }
}

const quantiles = 200

function quantileArea(before: Sketch, now: Sketch): number {
  if (!before.numbers || !now.numbers || before.numbers.count === 0 || now.numbers.count === 0) return Number.NaN
  const deviation = Math.sqrt(before.numbers.squares / before.numbers.count)
  const ranks = Array.from({ length: quantiles }, (_, step) => (step + 0.5) / quantiles)
  const first = ddSketchQuantiles(before.numbers.quantiles, ranks)
  const second = ddSketchQuantiles(now.numbers.quantiles, ranks)
  const area = first.reduce((sum, value, step) => sum + Math.abs(value - (second[step] ?? Number.NaN)), 0)
  return area / quantiles / Math.max(deviation, 0.001)
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
