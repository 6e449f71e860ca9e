import { balancedAccuracy, f1Macro, f1Micro, f1Weighted, kappa } from './classification.ts'
import { elementAt } from './element-at.ts'
import { averagePrecision, reciprocalRank } from './ranking.ts'
import { mean, sum } from './summary.ts'

type Numbers = ArrayLike<number>

/** Whether every label has a score and none is missing: a metric over the rest would praise whoever leaves out most. */
function complete(labels: Numbers, scores: Numbers): boolean {
  if (labels.length !== scores.length) return false
  for (let index = 0; index < labels.length; index++) {
    if (Number.isNaN(elementAt(labels, index)) || Number.isNaN(elementAt(scores, index))) return false
  }
  return true
}

/**
 * Area under the ROC curve: the chance that a positive scores above a negative, ties half. 0 … 1, higher is better;
 * NaN with one class. Source: the U statistic, Hanley and McNeil, Radiology 143 (1982).
 */
export function auc(labels: Numbers, scores: Numbers): number {
  if (!complete(labels, scores)) return Number.NaN
  const above = scoresOf(labels, scores, true)
  const below = scoresOf(labels, scores, false)
  let [lower, upto, won] = [0, 0, 0]
  for (const score of above) {
    while (lower < below.length && elementAt(below, lower) < score) lower += 1
    while (upto < below.length && elementAt(below, upto) <= score) upto += 1
    won += (lower + upto) / 2
  }
  return won / (above.length * below.length)
}

/** The scores of one class, ascending: numbers of one type sort many times faster than by a comparison of ours. */
function scoresOf(labels: Numbers, scores: Numbers, positive: boolean): Float64Array {
  const found = new Float64Array(scores.length)
  let count = 0
  for (let index = 0; index < scores.length; index++) {
    if (elementAt(labels, index) > 0.5 !== positive) continue
    found[count] = elementAt(scores, index)
    count += 1
  }
  return found.subarray(0, count).sort()
}

const clip = 1e-15

/** Loss of one prediction in nats, >= 0; probabilities are clipped to [1e-15, 1 - 1e-15]. */
export function logLossOf(label: number, probability: number): number {
  if (Number.isNaN(label)) return Number.NaN
  const p = Math.min(1 - clip, Math.max(clip, probability))
  return label > 0.5 ? -Math.log(p) : -Math.log1p(-p)
}

function squaredError(label: number, score: number): number {
  return (score - label) ** 2
}

function absoluteError(label: number, score: number): number {
  return Math.abs(score - label)
}

function excess(label: number, score: number): number {
  return score - label
}

function rightAnswer(label: number, score: number): number {
  return Number.isNaN(label) || Number.isNaN(score) ? Number.NaN : Number(score >= 0.5 === label > 0.5)
}

function averaged(labels: Numbers, scores: Numbers, loss: (label: number, score: number) => number): number {
  if (labels.length !== scores.length) return Number.NaN
  return mean(Array.from(labels, (label, index) => loss(label, elementAt(scores, index))))
}

/** Mean log loss (cross entropy) in nats, >= 0, lower is better. */
export function logLoss(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, logLossOf)
}

/** Mean squared error of probabilities, 0 … 1, lower is better. Source: G. W. Brier, 1950. */
export function brier(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, squaredError)
}

/** Mean prediction minus mean label, in the label's unit; 0 is best. */
export function bias(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, excess)
}

/** Share of right answers at the threshold 0.5; 0 … 1, higher is better. */
export function accuracy(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, rightAnswer)
}

function outcomes(labels: Numbers, scores: Numbers): { hits: number; guessed: number; positives: number } {
  if (!complete(labels, scores)) return { hits: Number.NaN, guessed: Number.NaN, positives: Number.NaN }
  let [hits, guessed, positives] = [0, 0, 0]
  for (let index = 0; index < labels.length; index++) {
    const [positive, guess] = [elementAt(labels, index) > 0.5, elementAt(scores, index) >= 0.5]
    hits += Number(positive && guess)
    guessed += Number(guess)
    positives += Number(positive)
  }
  return { hits, guessed, positives }
}

/** Share of positive answers (score >= 0.5) that are right; 0 … 1, higher is better; NaN without positive answers. */
export function precision(labels: Numbers, scores: Numbers): number {
  const { hits, guessed } = outcomes(labels, scores)
  return hits / guessed
}

/** Share of positives that are found at the threshold 0.5; 0 … 1, higher is better; NaN without positives. */
export function recall(labels: Numbers, scores: Numbers): number {
  const { hits, positives } = outcomes(labels, scores)
  return hits / positives
}

/** Harmonic mean of precision and recall at 0.5; 0 … 1, higher is better; NaN without positives and positive answers. */
export function f1(labels: Numbers, scores: Numbers): number {
  const { hits, guessed, positives } = outcomes(labels, scores)
  return (2 * hits) / (guessed + positives)
}

/**
 * Expected calibration error: the mean distance of score and outcome over ten equal bins of the score, weighted by
 * items. 0 … 1, lower is better; NaN when a score is not a probability. Source: Naeini, Cooper, Hauskrecht, AAAI 2015.
 */
export function calibrationError(labels: Numbers, scores: Numbers): number {
  if (!complete(labels, scores)) return Number.NaN
  const bins = Array.from({ length: 10 }, () => ({ label: 0, score: 0 }))
  for (let index = 0; index < labels.length; index++) {
    const score = elementAt(scores, index)
    if (score < 0 || score > 1) return Number.NaN
    const bin = elementAt(bins, Math.min(9, Math.floor(score * 10)))
    bin.label += elementAt(labels, index)
    bin.score += score
  }
  return sum(bins.map(({ label, score }) => Math.abs(label - score))) / labels.length
}

/** Mean absolute error in the label's unit, >= 0, lower is better. */
export function mae(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, absoluteError)
}

/** Root of the mean squared error in the label's unit, >= 0, lower is better. */
export function rmse(labels: Numbers, scores: Numbers): number {
  return Math.sqrt(averaged(labels, scores, squaredError))
}

/** Share of the variance of the labels that is explained, at most 1, higher is better; NaN when the labels are all the same. */
export function r2(labels: Numbers, scores: Numbers): number {
  const center = mean(Array.from(labels))
  const scatter = averaged(labels, labels, (label) => (label - center) ** 2)
  return scatter === 0 ? Number.NaN : 1 - averaged(labels, scores, squaredError) / scatter
}

/**
 * Normalised discounted cumulative gain of one ranked list: gains are the relevances (>= 0), discounted by
 * log2(rank + 1) over the `k` best scores; tied scores share their discounts. 0 … 1, higher is better, 0 when nothing
 * is relevant. Source: Järvelin and Kekäläinen, TOIS 20 (2002); ties as McSherry and Najork, ECIR 2008.
 */
export function ndcg(relevances: Numbers, scores: Numbers, k = scores.length): number {
  if (!complete(relevances, scores)) return Number.NaN
  const gain = (order: Numbers) => {
    const ranks = Array.from(order, (_, index) => index).sort((a, b) => elementAt(order, b) - elementAt(order, a))
    let total = 0
    for (let start = 0; start < ranks.length; ) {
      const tied = ranks
        .slice(start)
        .findIndex((item) => elementAt(order, item) !== elementAt(order, elementAt(ranks, start)))
      const items = ranks.slice(start, tied === -1 ? ranks.length : start + tied)
      const discounts = items.map((_, index) => (start + index < k ? 1 / Math.log2(start + index + 2) : 0))
      total += mean(items.map((item) => elementAt(relevances, item))) * sum(discounts)
      start += items.length
    }
    return total
  }
  const ideal = gain(relevances)
  return ideal === 0 ? 0 : gain(scores) / ideal
}

/** Mean of |prediction - label| / |label|, >= 0, lower is better; NaN when a label is 0. */
export function mape(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, relativeError)
}

function relativeError(label: number, score: number): number {
  return label === 0 ? Number.NaN : Math.abs((score - label) / label)
}

function sameClass(label: number, answer: number): number {
  return Number.isNaN(label) || Number.isNaN(answer) ? Number.NaN : Number(label === answer)
}

/** Loss in nats when `probability` was given to the class that is true. */
function lossOfTruth(label: number, probability: number): number {
  return Number.isNaN(label) ? Number.NaN : -Math.log(Math.max(clip, probability))
}

export type MetricTask = 'binary' | 'multiclass' | 'regression' | 'ranking'

export type MetricDefinition = {
  /** What it says, for people who choose one. */
  says: string
  direction: 'higher' | 'lower' | 'zero'
  value: (labels: Numbers, scores: Numbers) => number
  /** The part of one item, for metrics that are the mean of such parts. */
  perItem?: (label: number, score: number) => number
  /** Whether every item is simply right or wrong, so that exact methods for counts apply. */
  counts?: true
  /** Whether `value` is of one list, so that the metric is the mean over lists. */
  perList?: true
  /** What of an answer it reads, when that is not the answer itself. */
  reads?: 'probability'
}

const cut = (k: number) => (relevances: Numbers, scores: Numbers) => ndcg(relevances, scores, k)

/** Every metric of a task by its name in a spec. All give NaN when a label or score is missing. */
export const metricsOf: Record<MetricTask, Record<string, MetricDefinition>> = {
  binary: {
    log_loss: {
      says: 'Mean surprise of the outcomes, in nats; punishes sure wrong answers most',
      direction: 'lower',
      value: logLoss,
      perItem: logLossOf,
    },
    brier: {
      says: 'Mean squared error of the probabilities',
      direction: 'lower',
      value: brier,
      perItem: squaredError,
    },
    auc: { says: 'Chance that a positive scores above a negative, ties half', direction: 'higher', value: auc },
    accuracy: {
      says: 'Share of right answers at the threshold 0.5',
      direction: 'higher',
      value: accuracy,
      perItem: rightAnswer,
      counts: true,
    },
    precision: { says: 'Share of positive answers that are right, at 0.5', direction: 'higher', value: precision },
    recall: { says: 'Share of positives that are found, at 0.5', direction: 'higher', value: recall },
    f1: { says: 'Harmonic mean of precision and recall, at 0.5', direction: 'higher', value: f1 },
    bias: {
      says: 'Mean prediction minus mean label: what calibration is off by overall',
      direction: 'zero',
      value: bias,
      perItem: excess,
    },
    calibration_error: {
      says: 'Mean distance of score and outcome over ten bins of the score',
      direction: 'lower',
      value: calibrationError,
    },
  },
  multiclass: {
    accuracy: {
      says: 'Share of right answers; also F1 micro',
      direction: 'higher',
      value: f1Micro,
      perItem: sameClass,
      counts: true,
    },
    f1_macro: { says: 'Mean F1 of the classes, each counted alike', direction: 'higher', value: f1Macro },
    f1_micro: {
      says: 'F1 over all classes together, which is the share of right answers',
      direction: 'higher',
      value: f1Micro,
      perItem: sameClass,
      counts: true,
    },
    f1_weighted: { says: 'Mean F1 of the classes, by how often they occur', direction: 'higher', value: f1Weighted },
    balanced_accuracy: {
      says: 'Mean share of each class that is found',
      direction: 'higher',
      value: balancedAccuracy,
    },
    kappa: { says: 'Agreement with the labels beyond chance', direction: 'higher', value: kappa },
    log_loss: {
      says: 'Mean surprise of the outcomes, in nats; for answers that are probabilities of classes',
      direction: 'lower',
      value: (labels, scores) => averaged(labels, scores, lossOfTruth),
      perItem: lossOfTruth,
      reads: 'probability',
    },
  },
  regression: {
    bias: { says: 'Mean prediction minus mean label', direction: 'zero', value: bias, perItem: excess },
    mae: { says: 'Mean absolute error', direction: 'lower', value: mae, perItem: absoluteError },
    rmse: { says: 'Root of the mean squared error', direction: 'lower', value: rmse },
    r2: { says: 'Share of the variance that is explained', direction: 'higher', value: r2 },
    mape: {
      says: 'Mean error as a share of the label; not defined where a label is 0',
      direction: 'lower',
      value: mape,
      perItem: relativeError,
    },
  },
  ranking: {
    ndcg: { says: 'Discounted gain of each list over the best order', direction: 'higher', value: ndcg, perList: true },
    'ndcg@5': { says: 'The same for the first 5', direction: 'higher', value: cut(5), perList: true },
    'ndcg@10': { says: 'The same for the first 10', direction: 'higher', value: cut(10), perList: true },
    map: {
      says: 'Mean precision at the ranks of relevant items',
      direction: 'higher',
      value: averagePrecision,
      perList: true,
    },
    mrr: {
      says: 'One over the rank of the first relevant item',
      direction: 'higher',
      value: reciprocalRank,
      perList: true,
    },
  },
}
