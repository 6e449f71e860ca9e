import { binomialDensity, normalQuantile } from './distributions.ts'

type Counts = {
  /** Pairs that only the candidate got right. */
  candidateOnly: number
  /** Pairs that only the baseline got right. */
  baselineOnly: number
  /** All pairs. */
  n: number
}

export type TangoResult = { z: number; pass: boolean; lowerBound: number; upperBound: number }

/** The score statistic for "candidate minus baseline equals `difference`". */
function score({ candidateOnly: b, baselineOnly: c, n }: Counts, difference: number): number {
  const A = 2 * n
  const B = -b - c + (2 * n - b + c) * difference
  const C = -c * difference * (1 - difference)
  const q = (Math.sqrt(Math.max(0, B * B - 4 * A * C)) - B) / (2 * A)
  return (b - c - n * difference) / Math.sqrt(n * (2 * q + difference * (1 - difference)))
}

/**
 * Tango's score test for paired proportions: is the candidate not worse than the baseline by more than `margin`?
 * `margin` in (0, 1); one-sided level `alpha`. `z` tests the margin; the bounds are the ends of the (1 - 2 alpha)
 * score interval of the difference of proportions, in [-1, 1].
 * Source: T. Tango, Statistics in Medicine 17 (1998) 891-908. Pairs must be independent: for several
 * items of one user or document, use paired differences with clusters. NaN counts give `pass: false`.
 */
export function tangoTest(counts: Counts & { margin: number; alpha?: number }): TangoResult {
  const { margin, alpha = 0.05 } = counts
  const critical = normalQuantile(1 - alpha)
  const z = score(counts, -margin)
  return { z, pass: z > critical, lowerBound: solve(counts, critical), upperBound: solve(counts, -critical) }
}

/** The difference at which the score equals `target`; the score falls as the difference grows. */
function solve(counts: Counts, target: number): number {
  let low = -1
  let high = 1
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    const value = score(counts, middle)
    // Without any discordant pair the statistic is 0/0 at a difference of exactly zero, where it crosses zero.
    if ((Number.isNaN(value) ? 0 : value) > target) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/**
 * The smallest margin that `n` pairs can prove when both are right equally often; `discordance` is the share of pairs
 * on which they differ, rounded to whole pairs (an odd one counts against the candidate).
 */
export function smallestMargin({
  n,
  discordance,
  alpha = 0.05,
}: {
  n: number
  discordance: number
  alpha?: number
}): number {
  const discordant = Math.round(n * discordance)
  const candidateOnly = Math.floor(discordant / 2)
  const counts = { candidateOnly, baselineOnly: discordant - candidateOnly, n }
  return -solve(counts, normalQuantile(1 - alpha))
}

/** McNemar's test of equal proportions, two-sided: the exact p-value and the mid-p (Fagerland, Lydersen, Laake 2013). */
export function mcNemar(b: number, c: number): { exact: number; midP: number } {
  const n = b + c
  let tail = 0
  for (let k = 0; k <= Math.min(b, c); k++) tail += binomialDensity(k, n, 0.5)
  const exact = Math.min(1, 2 * tail)
  return {
    exact,
    midP: b === c ? 1 - binomialDensity(b, n, 0.5) / 2 : 2 * tail - binomialDensity(Math.min(b, c), n, 0.5),
  }
}
