import { encoderOf, type Rows } from './design-matrix.ts'
import { normalQuantile } from './distributions.ts'
import { elementAt } from './element-at.ts'
import { chance, fitLogistic } from './logistic.ts'
import { auc } from './metrics.ts'
import { ascending } from './summary.ts'

/**
 * Standard error of an area under the ROC curve with `positives` and `negatives` items.
 * Source: Hanley and McNeil, Radiology 143 (1982).
 */
export function aucError(area: number, positives: number, negatives: number): number {
  const q1 = area / (2 - area)
  const q2 = (2 * area * area) / (1 + area)
  const scatter = area * (1 - area) + (positives - 1) * (q1 - area * area) + (negatives - 1) * (q2 - area * area)
  return Math.sqrt(Math.max(0, scatter) / (positives * negatives))
}

const folds = 5

/**
 * Can a classifier tell the two groups of rows apart? Area under the curve of a logistic regression, each row scored by
 * a model that did not see it (5 folds), with its Hanley-McNeil (1 - alpha) interval: 0.5 is alike, 1 is nothing in
 * common. Null with fewer than 10 rows on a side.
 */
export function domainAuc(first: Rows, second: Rows, names: readonly string[], alpha = 0.05) {
  if (first.length < 10 || second.length < 10 || names.length === 0) return null
  const rows = encoderOf([...first, ...second], names).encode([...first, ...second])
  const labels = rows.map((_, index) => Number(index < first.length))
  // A multiplicative step, so that a fold is neither a stretch of time nor one class of a periodic order.
  const fold = rows.map((_, index) => (Math.imul(index + 1, 0x9e3779b1) >>> 8) % folds)
  const scores = new Float64Array(rows.length)
  for (let held = 0; held < folds; held++) {
    const seen = rows.flatMap((_, index) => (fold[index] === held ? [] : [index]))
    const weights = fitLogistic(
      seen.map((index) => elementAt(rows, index)),
      seen.map((index) => elementAt(labels, index)),
    )
    rows.forEach((row, index) => {
      if (fold[index] === held) scores[index] = chance(weights, row)
    })
  }
  const value = auc(labels, scores)
  const half = normalQuantile(1 - alpha / 2) * aucError(value, first.length, second.length)
  return { value, lower: Math.max(0, value - half), upper: Math.min(1, value + half) }
}

/**
 * Share of `others` that are farther from every row of `known` than 95 % of the known rows are from their nearest
 * neighbour (Euclidean, scaled columns): 0.05 is alike. Null with fewer than 20 known rows.
 */
export function noveltyOf(known: Rows, others: Rows, names: readonly string[]) {
  if (known.length < 20 || others.length === 0 || names.length === 0) return null
  const encoder = encoderOf(known, names)
  const [points, strangers] = [encoder.encode(known), encoder.encode(others)]
  const own = ascending(points.map((point, index) => nearest(point, points, index)))
  const limit = elementAt(own, Math.ceil(0.95 * own.length) - 1)
  const novel = strangers.filter((point) => nearest(point, points, -1) > limit).length
  return { novel, n: others.length, share: novel / others.length }
}

function nearest(point: Float64Array, points: readonly Float64Array[], except: number): number {
  let smallest = Number.POSITIVE_INFINITY
  for (let index = 0; index < points.length; index++) {
    if (index === except) continue
    const other = elementAt(points, index)
    let distance = 0
    for (let i = 1; i < other.length && distance < smallest; i++)
      distance += (elementAt(point, i) - elementAt(other, i)) ** 2
    if (distance < smallest) smallest = distance
  }
  return smallest
}
