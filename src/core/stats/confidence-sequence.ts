/**
 * Asymptotic confidence sequence for the difference of two means, valid at every look.
 * Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory" (arXiv 2103.06476).
 */
type Input = {
  /** Items of both arms together. */
  n: number
  /** Standard error of the difference. */
  standardError: number
  alpha?: number
  /** The size at which the interval is tightest. */
  planned?: number
}

function mixing(alpha: number, planned: number): number {
  return Math.sqrt((-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / planned)
}

/** Half width of the two-sided sequence at level 1 - alpha. */
export function twoSidedHalfWidth({ n, standardError, alpha = 0.05, planned = 5_000 }: Input): number {
  const r2 = mixing(alpha, planned) ** 2
  const spread = Math.sqrt(standardError ** 2 * n)
  return spread * Math.sqrt(((2 * (n * r2 + 1)) / (n * n * r2)) * Math.log(Math.sqrt(n * r2 + 1) / alpha))
}

/** Half width of the one-sided sequence at level 1 - alpha. */
export function oneSidedHalfWidth({ n, standardError, alpha = 0.05, planned = 5_000 }: Input): number {
  const r2 = mixing(2 * alpha, planned) ** 2
  const spread = Math.sqrt(standardError ** 2 * n)
  return spread * Math.sqrt(((2 * (n * r2 + 1)) / (n * n * r2)) * Math.log(1 + Math.sqrt(n * r2 + 1) / (2 * alpha)))
}

/** The two-sided p-value that is valid at every look. */
export function sequentialP({
  n,
  standardError,
  difference,
  alpha = 0.05,
  planned = 5_000,
}: Input & { difference: number }): number {
  const r2 = mixing(alpha, planned) ** 2
  const statistic = (difference ** 2 * n) / (standardError ** 2 * n)
  return Math.min(1, Math.sqrt(n * r2 + 1) * Math.exp((-r2 * n * statistic) / (2 * (n * r2 + 1))))
}
