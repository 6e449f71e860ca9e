import { elementAt } from './element-at.ts'

/** Holm's step-down adjustment of p-values (family-wise error), in the order given. Source: S. Holm, Scand. J. Stat. 6 (1979). */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((a, b) => elementAt(pValues, a) - elementAt(pValues, b))
  const adjusted = new Array<number>(pValues.length).fill(1)
  let largest = 0
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * elementAt(pValues, index)))
    adjusted[index] = largest
  }
  return adjusted
}

/** Which hypotheses the Benjamini-Hochberg procedure rejects at false discovery rate `q`. Source: J. R. Stat. Soc. B 57 (1995). */
export function benjaminiHochberg(pValues: readonly number[], q: number): boolean[] {
  const order = pValues.map((_, index) => index).sort((a, b) => elementAt(pValues, a) - elementAt(pValues, b))
  let last = -1
  for (const [rank, index] of order.entries())
    if (elementAt(pValues, index) <= ((rank + 1) / pValues.length) * q) last = rank
  const rejected = new Array<boolean>(pValues.length).fill(false)
  for (const index of order.slice(0, last + 1)) rejected[index] = true
  return rejected
}
