import { elementAt } from './element-at.ts'

/** Rows of equal length; the first column is the constant 1. */
type Design = readonly Float64Array[]

/**
 * Logistic regression by Newton's method with an L2 penalty on all but the constant; the penalty makes the answer unique.
 * Source: McCullagh and Nelder, Generalized Linear Models (1989), section 4.4.
 */
export function fitLogistic(rows: Design, labels: ArrayLike<number>, l2 = 1): Float64Array {
  const width = rows[0]?.length ?? 1
  const weights = new Float64Array(width)
  for (let step = 0; step < 25; step++) {
    const gradient = new Float64Array(width)
    const hessian = Array.from({ length: width }, () => new Float64Array(width))
    for (const [index, row] of rows.entries()) {
      const p = chance(weights, row)
      const error = elementAt(labels, index) - p
      const curvature = Math.max(p * (1 - p), 1e-9)
      for (let i = 0; i < width; i++) {
        const value = elementAt(row, i)
        if (value === 0) continue
        gradient[i] = elementAt(gradient, i) + error * value
        const line = elementAt(hessian, i)
        for (let j = 0; j <= i; j++) line[j] = elementAt(line, j) + curvature * value * elementAt(row, j)
      }
    }
    for (let i = 0; i < width; i++) {
      const penalty = i === 0 ? 1e-9 : l2
      gradient[i] = elementAt(gradient, i) - (i === 0 ? 0 : l2 * elementAt(weights, i))
      const line = elementAt(hessian, i)
      line[i] = elementAt(line, i) + penalty
    }
    const move = solve(hessian, gradient)
    let largest = 0
    for (let i = 0; i < width; i++) {
      weights[i] = elementAt(weights, i) + elementAt(move, i)
      largest = Math.max(largest, Math.abs(elementAt(move, i)))
    }
    if (largest < 1e-8) break
  }
  return weights
}

/** The fitted probability of a row. */
export function chance(weights: Float64Array, row: Float64Array): number {
  let score = 0
  for (let i = 0; i < weights.length; i++) score += elementAt(weights, i) * elementAt(row, i)
  return 1 / (1 + Math.exp(-score))
}

/** Solves a symmetric positive definite system, given by its lower triangle, by Cholesky's decomposition. */
function solve(matrix: Float64Array[], right: Float64Array): Float64Array {
  const width = right.length
  for (let i = 0; i < width; i++) {
    const row = elementAt(matrix, i)
    for (let j = 0; j <= i; j++) {
      const other = elementAt(matrix, j)
      let total = elementAt(row, j)
      for (let k = 0; k < j; k++) total -= elementAt(row, k) * elementAt(other, k)
      row[j] = i === j ? Math.sqrt(Math.max(total, 1e-12)) : total / elementAt(other, j)
    }
  }
  const answer = Float64Array.from(right)
  for (let i = 0; i < width; i++) {
    const row = elementAt(matrix, i)
    for (let k = 0; k < i; k++) answer[i] = elementAt(answer, i) - elementAt(row, k) * elementAt(answer, k)
    answer[i] = elementAt(answer, i) / elementAt(row, i)
  }
  for (let i = width - 1; i >= 0; i--) {
    for (let k = i + 1; k < width; k++) {
      answer[i] = elementAt(answer, i) - elementAt(elementAt(matrix, k), i) * elementAt(answer, k)
    }
    answer[i] = elementAt(answer, i) / elementAt(elementAt(matrix, i), i)
  }
  return answer
}
