/**
 * Solves A x = b for a symmetric positive definite A, given by its lower triangle, through A = L L^T.
 * Throws when A is singular to working precision.
 */
export function solvePositiveDefinite(lower: readonly Float64Array[], b: Float64Array): Float64Array {
  const factor = factorize(lower)
  const x = Float64Array.from(b)
  for (let i = 0; i < x.length; i += 1) {
    let sum = at(x, i)
    for (let j = 0; j < i; j += 1) sum -= at(factor[i], j) * at(x, j)
    x[i] = sum / at(factor[i], i)
  }
  for (let i = x.length - 1; i >= 0; i -= 1) {
    let sum = at(x, i)
    for (let j = i + 1; j < x.length; j += 1) sum -= at(factor[j], i) * at(x, j)
    x[i] = sum / at(factor[i], i)
  }
  return x
}

function factorize(lower: readonly Float64Array[]): Float64Array[] {
  const factor = lower.map((row) => new Float64Array(row.length))
  for (const [i, row] of factor.entries()) {
    for (let j = 0; j <= i; j += 1) {
      let sum = at(lower[i], j)
      for (let k = 0; k < j; k += 1) sum -= at(row, k) * at(factor[j], k)
      if (i !== j) row[j] = sum / at(factor[j], j)
      else if (sum > 1e-12 * at(lower[i], i)) row[i] = Math.sqrt(sum)
      else throw new Error('The columns determine each other or separate the classes: l2 above 0 is needed.')
    }
  }
  return factor
}

function at(row: Float64Array | undefined, index: number): number {
  return row?.[index] ?? Number.NaN
}
