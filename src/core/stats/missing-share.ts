import { logGamma } from './distributions.ts'
import { proportionInterval } from './intervals.ts'
import { benjaminiHochberg } from './multiple-testing.ts'

/** How many of `n` values are missing. */
export type MissingCount = { missing: number; n: number }

/** The share of missing values now, beside the reference's. */
export type MissingShare = {
  reference: MissingCount
  now: { value: number; n: number; lower: number; upper: number }
  /** Chance of so large a difference if the share had stayed the same: Fisher's exact test, two-sided. */
  p: number
  /** Beyond chance, and large enough to matter or all that there is. */
  changed: boolean
  /** All values are missing now, and that is no chance. */
  emptied: boolean
}

/** Smaller differences of the share matter to nobody, however sure they are. */
const leastDifference = 0.05
const falseDiscoveryRate = 0.05

/**
 * Whose share of missing values changed? Judged over all columns together (Benjamini-Hochberg). A column that became empty is
 * told at any number of rows at which chance does not explain it. Undefined where a side has no rows.
 */
export function missingShares(
  columns: readonly { reference: MissingCount; now: MissingCount }[],
): (MissingShare | undefined)[] {
  const compared = columns.filter(({ reference, now }) => reference.n > 0 && now.n > 0)
  const chances = compared.map(({ reference, now }) => fisherExact(reference, now))
  const beyondChance = benjaminiHochberg(chances, falseDiscoveryRate)
  return columns.map((column) => {
    const index = compared.indexOf(column)
    return index < 0 ? undefined : shareOf(column, chances[index] ?? 1, beyondChance[index] === true)
  })
}

function shareOf(
  { reference, now }: { reference: MissingCount; now: MissingCount },
  p: number,
  beyondChance: boolean,
): MissingShare {
  const share = now.missing / now.n
  const matters = Math.abs(share - reference.missing / reference.n) >= leastDifference
  const whole = now.missing === now.n
  return {
    reference,
    now: { value: share, n: now.n, ...proportionInterval(now.missing, now.n) },
    p,
    changed: beyondChance && (matters || whole),
    emptied: beyondChance && whole,
  }
}

/** Fisher's exact test of two shares: twice the smaller tail of the hypergeometric distribution, 1 at most. */
export function fisherExact(a: MissingCount, b: MissingCount): number {
  const [all, marked] = [a.n + b.n, a.missing + b.missing]
  const above = b.missing * all >= marked * b.n
  const end = above ? Math.min(marked, b.n) : Math.max(0, marked - a.n)
  let term = Math.exp(logChoose(marked, b.missing) + logChoose(all - marked, b.n - b.missing) - logChoose(all, b.n))
  let tail = term
  for (let k = b.missing; k !== end && term > tail * 1e-17; k += above ? 1 : -1) {
    term *= above
      ? ((marked - k) * (b.n - k)) / ((k + 1) * (all - marked - b.n + k + 1))
      : (k * (all - marked - b.n + k)) / ((marked - k + 1) * (b.n - k + 1))
    tail += term
  }
  return Math.min(1, 2 * tail)
}

/** Whether no outcome among `n` and `m` values is rarer than one in twenty: then nothing that they show can be told from chance. */
export function tooFewToTell(n: number, m: number): boolean {
  return Math.log(2) - logChoose(n + m, n) > Math.log(0.05)
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
}
