import { chiSquareSurvival } from './distributions.ts'
import { elementAt } from './element-at.ts'

const unhealthyBelow = 0.001
const minPerArm = 8

/** Did the arms get the units they were meant to? Chi-square over `counts` against `shares` (which sum to 1). */
export function sampleRatio(
  counts: readonly number[],
  shares: readonly number[],
): { p: number; healthy: boolean; tested: boolean } {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const expected = shares.map((share) => share * total)
  if (expected.some((count) => count < minPerArm)) return { p: 1, healthy: true, tested: false }
  const statistic = counts.reduce(
    (sum, count, arm) => sum + (count - elementAt(expected, arm)) ** 2 / elementAt(expected, arm),
    0,
  )
  const p = chiSquareSurvival(statistic, counts.length - 1)
  return { p, healthy: p >= unhealthyBelow, tested: true }
}
