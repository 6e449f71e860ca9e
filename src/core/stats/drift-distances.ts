import { chiSquareQuantile, chiSquareSurvival, normalCdf } from './distributions.ts'
import { elementAt } from './element-at.ts'
import { sum, variance } from './summary.ts'

type Counts = readonly number[]

function sharesOf(counts: Counts): number[] {
  const total = sum(counts)
  return counts.map((count) => count / total)
}

/** Shares of counts; empty bins get 0.0001, or a millionth of the smallest share when that is no larger, without renormalising. */
function filledShares(counts: Counts): number[] {
  const shares = sharesOf(counts)
  const smallest = shares.reduce((least, share) => (share > 0 && share < least ? share : least), 1)
  const fill = smallest <= 0.0001 ? smallest / 1e6 : 0.0001
  return shares.map((share) => (share === 0 ? fill : share))
}

function comparable(reference: Counts, current: Counts): void {
  if (reference.length === current.length) return
  throw new RangeError(`Histograms of ${reference.length} and ${current.length} bins have no distance`)
}

/**
 * Population stability index of two histograms over the same bins, in nats, >= 0; 0.1 and 0.2 are the usual marks. NaN
 * when either is empty. Empty bins are filled as by Evidently 0.7.
 */
export function psi(reference: Counts, current: Counts): number {
  comparable(reference, current)
  const [p, q] = [filledShares(reference), filledShares(current)]
  return sum(p.map((share, bin) => (share - elementAt(q, bin)) * Math.log(share / elementAt(q, bin))))
}

/** Kullback-Leibler divergence of the current from the reference histogram, in nats, >= 0; empty bins filled, then normalised. */
export function klDivergence(reference: Counts, current: Counts): number {
  comparable(reference, current)
  const [p, q] = [sharesOf(filledShares(reference)), sharesOf(filledShares(current))]
  return sum(p.map((share, bin) => share * Math.log(share / elementAt(q, bin))))
}

/** Jensen-Shannon distance (root of the divergence): 0 … 0.8326 in nats (Evidently), 0 … 1 with base 2 (NannyML). */
export function jensenShannon(reference: Counts, current: Counts, base: number = Math.E): number {
  comparable(reference, current)
  const [p, q] = [sharesOf(reference), sharesOf(current)]
  const part = (share: number, middle: number) => (share === 0 ? 0 : share * Math.log(share / middle))
  const terms = p.map((share, bin) => {
    const other = elementAt(q, bin)
    return part(share, (share + other) / 2) + part(other, (share + other) / 2)
  })
  return Math.sqrt(Math.max(0, sum(terms) / 2 / Math.log(base)))
}

/** Hellinger distance of two histograms over the same bins, 0 … 1. */
export function hellinger(reference: Counts, current: Counts): number {
  comparable(reference, current)
  const [p, q] = [sharesOf(reference), sharesOf(current)]
  return Math.sqrt(Math.max(0, 1 - sum(p.map((share, bin) => Math.sqrt(share * elementAt(q, bin))))))
}

/**
 * The PSI that pure chance exceeds with probability `alpha` for samples of `n` and `m` over `bins` bins: chi-square with
 * bins - 1 degrees of freedom times (1/n + 1/m).
 */
export function psiCritical({
  bins,
  n,
  m,
  alpha = 0.05,
}: {
  bins: number
  n: number
  m: number
  alpha?: number
}): number {
  return chiSquareQuantile(1 - alpha, Math.max(1, bins - 1)) * (1 / n + 1 / m)
}

/**
 * Goodness of fit as Evidently tests categories: the reference shares are taken as exact. A category that the reference
 * does not have makes p zero. For two samples on equal terms see `chiSquareContingency`.
 */
export function chiSquareGoodness(reference: Counts, current: Counts): { statistic: number; p: number } {
  comparable(reference, current)
  const scale = sum(current) / sum(reference)
  const cells = reference.map((count, bin) => ({ expected: count * scale, observed: elementAt(current, bin) }))
  const seen = cells.filter(({ expected, observed }) => expected > 0 || observed > 0)
  const statistic = sum(seen.map(({ expected, observed }) => (observed - expected) ** 2 / expected))
  return { statistic, p: tailOf(statistic, seen.length - 1) }
}

/** Independence of sample and category: both samples are random, as NannyML tests categories. */
export function chiSquareContingency(reference: Counts, current: Counts): { statistic: number; p: number } {
  comparable(reference, current)
  const [n, m] = [sum(reference), sum(current)]
  const cells = reference.map((count, bin) => [count, elementAt(current, bin)] as const).filter(([a, b]) => a + b > 0)
  const terms = cells.flatMap(([a, b]) => {
    const [first, second] = [((a + b) * n) / (n + m), ((a + b) * m) / (n + m)]
    return [(a - first) ** 2 / first, (b - second) ** 2 / second]
  })
  const statistic = sum(terms)
  return { statistic, p: tailOf(statistic, cells.length - 1) }
}

function tailOf(statistic: number, df: number): number {
  if (df < 1) return Number.isNaN(statistic) ? Number.NaN : 1
  return chiSquareSurvival(statistic, df)
}

type Proportion = { count: number; n: number }

/** Pooled z of two proportions, positive when the reference has more, with its two-sided p-value. */
export function twoProportionZ(reference: Proportion, current: Proportion): { z: number; p: number } {
  const pooled = (reference.count + current.count) / (reference.n + current.n)
  const difference = reference.count / reference.n - current.count / current.n
  if (difference === 0) return { z: 0, p: 1 }
  const z = difference / Math.sqrt(pooled * (1 - pooled) * (1 / reference.n + 1 / current.n))
  return { z, p: 2 * normalCdf(-Math.abs(z)) }
}

/** Area between the two distribution functions, in standard deviations of the reference (at least 0.001 units); >= 0. */
export function wassersteinNormed(reference: Counts, current: Counts): number {
  const area = betweenFunctions(reference, current, Math.abs)
  return area / Math.max(Math.sqrt(variance(reference, 0)), 0.001)
}

/** Energy distance of two samples, >= 0, in roots of their unit. Source: Székely and Rizzo 2013. */
export function energyDistance(reference: Counts, current: Counts): number {
  return Math.sqrt(2 * betweenFunctions(reference, current, (distance) => distance * distance))
}

/** Integral over the line of a function of the distance between the two empirical distribution functions. */
function betweenFunctions(reference: Counts, current: Counts, of: (distance: number) => number): number {
  if (reference.length === 0 || current.length === 0) return Number.NaN
  const [first, second] = [Float64Array.from(reference).sort(), Float64Array.from(current).sort()]
  let [i, j, total, lost] = [0, 0, 0, 0]
  let value = Math.min(first[0] ?? Number.NaN, second[0] ?? Number.NaN)
  while (i < first.length || j < second.length) {
    while (i < first.length && !(elementAt(first, i) > value)) i += 1
    while (j < second.length && !(elementAt(second, j) > value)) j += 1
    if (i === first.length && j === second.length) break
    const next = Math.min(first[i] ?? Number.POSITIVE_INFINITY, second[j] ?? Number.POSITIVE_INFINITY)
    // Neumaier's compensation, as `sum` does it, without an array of the pieces.
    const piece = of(i / first.length - j / second.length) * (next - value)
    const after = total + piece
    lost += Math.abs(total) >= Math.abs(piece) ? total - after + piece : piece - after + total
    total = after
    value = next
  }
  return total + lost
}
