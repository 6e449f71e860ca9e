/** Sum with Neumaier's compensation: the error does not grow with the number of values. */
export function sum(values: Iterable<number>): number {
  let total = 0
  let lost = 0
  for (const value of values) {
    const next = total + value
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total
    total = next
  }
  // An infinite total makes the compensation NaN; the total itself is then the answer.
  return Number.isFinite(total) ? total + lost : total
}

/** Arithmetic mean; NaN for no values. */
export function mean(values: readonly number[]): number {
  return sum(values) / values.length
}

/** Variance with divisor `n - lostDegrees` (1: unbiased, 0: population); NaN when that is not positive. */
export function variance(values: readonly number[], lostDegrees: 0 | 1 = 1): number {
  const freedom = values.length - lostDegrees
  if (freedom <= 0) return Number.NaN
  const center = mean(values)
  return sum(values.map((value) => (value - center) ** 2)) / freedom
}

/** A sorted copy, smallest first. */
export function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b)
}
