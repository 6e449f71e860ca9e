import { solvePositiveDefinite } from './cholesky.ts'

/** `coefficients` belong to standardised columns: (x - mean) / scale. */
export type LogisticRegression = {
  intercept: number
  coefficients: number[]
  means: number[]
  scales: number[]
  iterations: number
}

type Training = {
  /** n rows of k numbers; NaN is a missing value. */
  rows: readonly Float64Array[]
  /** n labels, 0 or 1. */
  labels: readonly number[]
  /** Weight of the penalty, >= 0. */
  l2: number
}

const maximumIterations = 100
const smallestStep = 1e-8

/**
 * Minimises sum of log losses + l2 / 2 * |coefficients|^2 (the intercept is free) by Newton's method, known for this
 * model as iteratively reweighted least squares (Hastie, Tibshirani, Friedman: The Elements of Statistical Learning, 4.4.1).
 * Missing values count as the mean of their column. Deterministic. Throws when there is no unique finite optimum.
 */
export function fitLogisticRegression({ rows, labels, l2 }: Training): LogisticRegression {
  const positives = labels.reduce((sum, label) => sum + label, 0)
  if (positives === 0 || positives === labels.length) throw new Error('The labels need both classes, 0 and 1.')
  const { means, scales } = summarize(rows)
  const design = rows.map((row) => standardize(row, means, scales))
  let weights = new Float64Array(means.length + 1)
  weights[0] = Math.log(positives / (labels.length - positives))
  let loss = penalizedLoss(design, labels, weights, l2)
  for (let iteration = 1; iteration <= maximumIterations; iteration += 1) {
    const step = newtonStep(design, labels, weights, l2)
    let size = 1
    let next = move(weights, step, size)
    let nextLoss = penalizedLoss(design, labels, next, l2)
    while (!(nextLoss <= loss + 1e-9 * Math.abs(loss)) && size > 1e-6) {
      size /= 2
      next = move(weights, step, size)
      nextLoss = penalizedLoss(design, labels, next, l2)
    }
    weights = next
    loss = nextLoss
    if (Math.max(...step.map(Math.abs)) < smallestStep) {
      return {
        intercept: weights[0] ?? 0,
        coefficients: [...weights.subarray(1)],
        means,
        scales,
        iterations: iteration,
      }
    }
  }
  throw new Error(`No optimum after ${maximumIterations} iterations: a larger l2 helps.`)
}

/** Probability of class 1 for one row of k numbers; NaN is a missing value. */
export function predictProbability(model: LogisticRegression, row: Float64Array): number {
  const design = standardize(row, model.means, model.scales)
  return sigmoid(dot(design, Float64Array.of(model.intercept, ...model.coefficients)))
}

/** Mean and population standard deviation of each column after imputation; a constant column gets scale 1. */
function summarize(rows: readonly Float64Array[]): { means: number[]; scales: number[] } {
  const columns = [...(rows[0] ?? []).keys()]
  const means = columns.map((column) => {
    const present = rows.map((row) => row[column] ?? Number.NaN).filter((value) => !Number.isNaN(value))
    return present.length === 0 ? 0 : present.reduce((sum, value) => sum + value, 0) / present.length
  })
  const scales = columns.map((column) => {
    const mean = means[column] ?? 0
    const squares = rows.reduce((sum, row) => {
      const value = row[column] ?? Number.NaN
      return Number.isNaN(value) ? sum : sum + (value - mean) ** 2
    }, 0)
    return Math.sqrt(squares / rows.length) || 1
  })
  return { means, scales }
}

/** A leading 1 for the intercept, then the standardised columns. */
function standardize(row: Float64Array, means: readonly number[], scales: readonly number[]): Float64Array {
  const design = new Float64Array(means.length + 1)
  design[0] = 1
  for (const [column, mean] of means.entries()) {
    const value = row[column] ?? Number.NaN
    design[column + 1] = Number.isNaN(value) ? 0 : (value - mean) / (scales[column] ?? 1)
  }
  return design
}

function newtonStep(design: readonly Float64Array[], labels: readonly number[], weights: Float64Array, l2: number) {
  const size = weights.length
  const gradient = new Float64Array(size)
  const hessian = Array.from({ length: size }, () => new Float64Array(size))
  for (const [index, row] of design.entries()) {
    const probability = sigmoid(dot(row, weights))
    const residual = (labels[index] ?? 0) - probability
    const curvature = probability * (1 - probability)
    for (const [i, line] of hessian.entries()) {
      const value = row[i] ?? 0
      gradient[i] = (gradient[i] ?? 0) + residual * value
      if (value === 0) continue
      const scaled = curvature * value
      for (let j = 0; j <= i; j += 1) line[j] = (line[j] ?? 0) + scaled * (row[j] ?? 0)
    }
  }
  for (let i = 1; i < size; i += 1) {
    gradient[i] = (gradient[i] ?? 0) - l2 * (weights[i] ?? 0)
    const line = hessian[i]
    if (line) line[i] = (line[i] ?? 0) + l2
  }
  return solvePositiveDefinite(hessian, gradient)
}

function penalizedLoss(design: readonly Float64Array[], labels: readonly number[], weights: Float64Array, l2: number) {
  let loss = 0
  for (const [index, row] of design.entries()) {
    const logit = dot(row, weights)
    loss += Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(logit, 0) - (labels[index] ?? 0) * logit
  }
  return loss + (l2 / 2) * weights.subarray(1).reduce((sum, weight) => sum + weight * weight, 0)
}

function move(weights: Float64Array, step: Float64Array, size: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(weights, (weight, index) => weight + size * (step[index] ?? 0))
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0)
  return sum
}

function sigmoid(logit: number): number {
  return logit >= 0 ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / (1 + Math.exp(logit))
}
