import { elementAt } from './element-at.ts'
import { calibrationError } from './metrics.ts'
import { createRandom } from './random.ts'
import { mean, sum } from './summary.ts'

/** How a score becomes a chance: as it is, or by straight lines between points that only rise. JSON-able. */
export type Calibration = { kind: 'none' } | { kind: 'isotonic'; scores: number[]; chances: number[] }

type ScoredItem = {
  /** Scores of the model, 0 … 1. */
  scores: readonly number[]
  /** 0 or 1. */
  labels: readonly number[]
}

const folds = 3

/**
 * Calibration on a labelled reference, isotonic only when that lowers the calibration error in each of three held-out
 * thirds; else none. Throws a RangeError on missing values.
 * Source: the rule of NannyML; Zadrozny and Elkan, KDD 2002.
 */
export function fitCalibration({ scores, labels }: ScoredItem, seed = 1): Calibration {
  if (scores.length !== labels.length || [...scores, ...labels].some((value) => !Number.isFinite(value))) {
    throw new RangeError('A calibration needs a label for each score')
  }
  const random = createRandom(seed)
  const order = scores.map((_, item) => ({ item, key: random() })).sort((a, b) => a.key - b.key)
  const pick = (keep: (fold: number) => boolean): ScoredItem => {
    const items = order.flatMap(({ item }, position) => (keep(position % folds) ? [item] : []))
    return {
      scores: items.map((item) => elementAt(scores, item)),
      labels: items.map((item) => elementAt(labels, item)),
    }
  }
  const improves = (fold: number) => {
    const heldOut = pick((other) => other === fold)
    const trained = isotonic(pick((other) => other !== fold))
    const calibrated = heldOut.scores.map((score) => chanceOf(trained, score))
    return calibrationError(heldOut.labels, calibrated) < calibrationError(heldOut.labels, heldOut.scores)
  }
  const helps = Array.from({ length: folds }, (_, fold) => fold).every(improves)
  return helps ? isotonic({ scores, labels }) : { kind: 'none' }
}

type Level = { from: number; to: number; total: number; weight: number }

/** The rising function closest to the labels: equal scores together, then neighbours that fall (Ayer et al. 1955). */
export function isotonic({ scores, labels }: ScoredItem): Calibration {
  const levels: Level[] = []
  for (const one of levelsOf({ scores, labels })) {
    let level = one
    for (
      let last = levels.at(-1);
      last && last.total * level.weight >= level.total * last.weight;
      last = levels.at(-1)
    ) {
      levels.pop()
      level = merged(last, level)
    }
    levels.push(level)
  }
  const points = levels.flatMap(({ from, to, total, weight }) =>
    (from === to ? [from] : [from, to]).map((score) => ({ score, chance: total / weight })),
  )
  return { kind: 'isotonic', scores: points.map(({ score }) => score), chances: points.map(({ chance }) => chance) }
}

/** One level for each different score, lowest first. */
function levelsOf({ scores, labels }: ScoredItem): Level[] {
  const byScore = new Map<number, Level>()
  for (const [item, score] of scores.entries()) {
    const level = { from: score, to: score, total: elementAt(labels, item), weight: 1 }
    const known = byScore.get(score)
    byScore.set(score, known ? merged(known, level) : level)
  }
  return [...byScore.values()].sort((a, b) => a.from - b.from)
}

function merged(left: Level, right: Level): Level {
  return { from: left.from, to: right.to, total: left.total + right.total, weight: left.weight + right.weight }
}

/** The calibrated chance of a positive; beyond the outermost scores of the reference it stays the same. */
export function chanceOf(calibration: Calibration, score: number): number {
  if (calibration.kind === 'none' || Number.isNaN(score)) return score
  const { scores, chances } = calibration
  let [from, to] = [0, scores.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (elementAt(scores, middle) < score) from = middle + 1
    else to = middle
  }
  if (from === scores.length) return chances.at(-1) ?? Number.NaN
  if (from === 0 || elementAt(scores, from) === score) return elementAt(chances, from)
  const [left, right] = [elementAt(scores, from - 1), elementAt(scores, from)]
  const [low, high] = [elementAt(chances, from - 1), elementAt(chances, from)]
  return low + ((high - low) * (score - left)) / (right - left)
}

export type EstimatedPerformance = {
  n: number
  accuracy: number
  precision: number
  recall: number
  f1: number
  auc: number
}

/**
 * Performance of a classifier without labels, from its calibrated scores (CBPE): every answer counts as right with the
 * chance it has. It holds while only the inputs drift, not when what they mean changes; accuracy cannot be below 0.5.
 * `threshold` is the raw score from which an answer is positive. NaN where a metric is not defined or a score missing.
 * Source: the confidence-based performance estimation of NannyML (arXiv 2407.08649).
 */
export function estimatePerformance({
  scores,
  calibration,
  threshold = 0.5,
}: {
  scores: readonly number[]
  calibration: Calibration
  threshold?: number
}): EstimatedPerformance {
  if (scores.some(Number.isNaN)) {
    const unknown = Number.NaN
    return { n: scores.length, accuracy: unknown, precision: unknown, recall: unknown, f1: unknown, auc: unknown }
  }
  const items = scores.map((score) => ({ score, chance: chanceOf(calibration, score), positive: score >= threshold }))
  const guessed = items.filter(({ positive }) => positive)
  const right = sum(guessed.map(({ chance }) => chance))
  const positives = sum(items.map(({ chance }) => chance))
  return {
    n: items.length,
    accuracy: mean(items.map(({ chance, positive }) => (positive ? chance : 1 - chance))),
    precision: right / guessed.length,
    recall: right / positives,
    f1: (2 * right) / (guessed.length + positives),
    auc: expectedAuc(items),
  }
}

/** Area under the curve that rises by the chance and goes right by its complement, from the highest raw score down. */
function expectedAuc(items: readonly { score: number; chance: number }[]): number {
  const sorted = items.toSorted((a, b) => b.score - a.score)
  let [area, hits, misses] = [0, 0, 0]
  for (let start = 0; start < sorted.length; ) {
    const { score } = elementAt(sorted, start)
    let [rise, run, end] = [0, 0, start]
    for (; end < sorted.length && elementAt(sorted, end).score === score; end++) {
      const { chance } = elementAt(sorted, end)
      rise += chance
      run += 1 - chance
    }
    area += run * (hits + rise / 2)
    hits += rise
    misses += run
    start = end
  }
  return area / (hits * misses)
}
