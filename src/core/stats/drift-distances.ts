import { chiSquareQuantile } from './distributions.ts'
import { elementAt } from './element-at.ts'
import { sum } from './summary.ts'

/** Shares of counts; empty bins get `fill` (Evidently: 0.0001, or a millionth of the smallest share when that is smaller), without renormalising. */
function filledShares(counts: readonly number[]): number[] {
  const total = sum(counts)
  const shares = counts.map((count) => count / total)
  const smallest = Math.min(...shares.filter((share) => share > 0))
  const fill = smallest <= 0.0001 ? smallest / 1e6 : 0.0001
  return shares.map((share) => (share === 0 ? fill : share))
}

/** Population stability index of two histograms over the same bins, >= 0; 0.1 and 0.2 are the usual marks. */
export function psi(reference: readonly number[], current: readonly number[]): number {
  const [p, q] = [filledShares(reference), filledShares(current)]
  return sum(p.map((share, bin) => (share - elementAt(q, bin)) * Math.log(share / elementAt(q, bin))))
}

/** Jensen-Shannon distance (root of the divergence) in nats, 0 … 0.8326. */
export function jensenShannon(reference: readonly number[], current: readonly number[]): number {
  const [n, m] = [sum(reference), sum(current)]
  const part = (share: number, middle: number) => (share === 0 ? 0 : share * Math.log(share / middle))
  const terms = reference.map((count, bin) => {
    const [p, q] = [count / n, elementAt(current, bin) / m]
    return part(p, (p + q) / 2) + part(q, (p + q) / 2)
  })
  return Math.sqrt(Math.max(0, sum(terms) / 2))
}

/** The PSI that pure chance exceeds with probability `alpha` for samples of these sizes: chi-square with bins - 1 degrees times (1/n + 1/m). */
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
