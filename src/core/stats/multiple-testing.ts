import { elementAt } from './element-at.ts'

function byPValue(pValues: readonly number[]): number[] {
  const broken = pValues.find((p) => !(p >= 0 && p <= 1))
  if (broken !== undefined) throw new RangeError(`A p-value is between 0 and 1, not ${broken}`)
  return pValues.map((_, index) => index).sort((a, b) => elementAt(pValues, a) - elementAt(pValues, b))
}

/**
 * Holm's step-down adjustment of p-values (family-wise error), in the order given; throws a RangeError on a NaN.
 * Source: S. Holm, Scand. J. Stat. 6 (1979).
 */
export function holm(pValues: readonly number[]): number[] {
  const adjusted = new Array<number>(pValues.length).fill(1)
  let largest = 0
  for (const [rank, index] of byPValue(pValues).entries()) {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * elementAt(pValues, index)))
    adjusted[index] = largest
  }
  return adjusted
}

/**
 * Which hypotheses the Benjamini-Hochberg procedure rejects at false discovery rate `q`, in the order given; throws a
 * RangeError on a NaN. Source: J. R. Stat. Soc. B 57 (1995).
 */
export function benjaminiHochberg(pValues: readonly number[], q: number): boolean[] {
  const order = byPValue(pValues)
  const last = order.findLastIndex((index, rank) => elementAt(pValues, index) <= ((rank + 1) / pValues.length) * q)
  const rejected = new Array<boolean>(pValues.length).fill(false)
  for (const index of order.slice(0, last + 1)) rejected[index] = true
  return rejected
}
