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
  return (-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / planned
}

function halfWidth({ n, standardError }: Input, mixed: number, logarithm: number): number {
  return standardError * Math.sqrt(((2 * (n * mixed + 1)) / (n * mixed)) * logarithm)
}

/**
 * Half width of the two-sided asymptotic confidence sequence, at level 1 - alpha, for the difference of two means (in
 * their unit). It holds at every look, once there are enough items for a central limit: not for a handful of events.
 * Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory" (arXiv 2103.06476).
 */
export function twoSidedHalfWidth(input: Input): number {
  const { n, alpha = 0.05, planned = 5_000 } = input
  const mixed = mixing(alpha, planned)
  return halfWidth(input, mixed, Math.log(Math.sqrt(n * mixed + 1) / alpha))
}

/** Half width of the one-sided sequence at level 1 - alpha. */
export function oneSidedHalfWidth(input: Input): number {
  const { n, alpha = 0.05, planned = 5_000 } = input
  const mixed = mixing(2 * alpha, planned)
  return halfWidth(input, mixed, Math.log1p(Math.sqrt(n * mixed + 1) / (2 * alpha)))
}

/** The two-sided p-value that is valid at every look: below alpha just when the two-sided sequence excludes zero. */
export function sequentialP(input: Input & { difference: number }): number {
  const { n, standardError, difference, alpha = 0.05, planned = 5_000 } = input
  const mixed = mixing(alpha, planned)
  const square = (difference / standardError) ** 2
  return Math.min(1, Math.sqrt(n * mixed + 1) * Math.exp((-n * mixed * square) / (2 * (n * mixed + 1))))
}
