import { elementAt } from './element-at.ts'
import { mean, sum } from './summary.ts'

type Numbers = ArrayLike<number>

/** Area under the ROC curve: the chance that a positive scores above a negative, ties half. 0 … 1, higher is better; NaN with one class. */
export function auc(labels: Numbers, scores: Numbers): number {
  const order = Array.from(scores, (_, index) => index).sort((a, b) => elementAt(scores, a) - elementAt(scores, b))
  let positives = 0
  let rankSum = 0
  for (let start = 0; start < order.length; ) {
    let end = start
    while (
      end < order.length &&
      elementAt(scores, elementAt(order, end)) === elementAt(scores, elementAt(order, start))
    )
      end += 1
    const rank = (start + 1 + end) / 2
    for (let index = start; index < end; index++) {
      if (elementAt(labels, elementAt(order, index)) > 0.5) {
        positives += 1
        rankSum += rank
      }
    }
    start = end
  }
  const negatives = order.length - positives
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
}

const clip = 1e-15

/** Loss of one prediction in nats, >= 0; probabilities are clipped to [1e-15, 1 - 1e-15]. */
export function logLossOf(label: number, probability: number): number {
  const p = Math.min(1 - clip, Math.max(clip, probability))
  return label > 0.5 ? -Math.log(p) : -Math.log(1 - p)
}

function averaged(labels: Numbers, scores: Numbers, loss: (label: number, score: number) => number): number {
  return mean(Array.from(labels, (label, index) => loss(label, elementAt(scores, index))))
}

/** Mean log loss (cross entropy) in nats, lower is better. */
export function logLoss(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, logLossOf)
}

/** Mean squared error of probabilities, 0 … 1, lower is better. Source: G. W. Brier, 1950. */
export function brier(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, (label, score) => (score - label) ** 2)
}

/** Mean prediction minus mean label; 0 is best. */
export function bias(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, (label, score) => score - label)
}

/** Share of right answers at the threshold 0.5, higher is better. */
export function accuracy(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, (label, score) => Number(score >= 0.5 === label > 0.5))
}

/** Harmonic mean of precision and recall at 0.5; 0 … 1, higher is better; NaN without positives. */
export function f1(labels: Numbers, scores: Numbers): number {
  let [hits, guessed, positives] = [0, 0, 0]
  for (let index = 0; index < labels.length; index++) {
    const [positive, guess] = [elementAt(labels, index) > 0.5, elementAt(scores, index) >= 0.5]
    hits += Number(positive && guess)
    guessed += Number(guess)
    positives += Number(positive)
  }
  return (2 * hits) / (guessed + positives)
}

/** Expected calibration error over ten equal bins, 0 … 1, lower is better. */
export function calibrationError(labels: Numbers, scores: Numbers): number {
  const bins = Array.from({ length: 10 }, () => ({ n: 0, label: 0, score: 0 }))
  for (let index = 0; index < labels.length; index++) {
    const bin = elementAt(bins, Math.min(9, Math.floor(elementAt(scores, index) * 10)))
    bin.n += 1
    bin.label += elementAt(labels, index)
    bin.score += elementAt(scores, index)
  }
  return sum(bins.map(({ label, score }) => Math.abs(label - score))) / labels.length
}

/** Mean absolute error, lower is better. */
export function mae(labels: Numbers, scores: Numbers): number {
  return averaged(labels, scores, (label, score) => Math.abs(score - label))
}

/** Root of the mean squared error, lower is better. */
export function rmse(labels: Numbers, scores: Numbers): number {
  return Math.sqrt(averaged(labels, scores, (label, score) => (score - label) ** 2))
}

export type MetricDefinition = {
  direction: 'higher' | 'lower' | 'zero'
  tasks: readonly ('binary' | 'regression')[]
  value: (labels: Numbers, scores: Numbers) => number
  /** The loss of one item, for metrics that are means of losses. */
  perItem?: (label: number, score: number) => number
}

/** Every metric by its name in a spec. */
export const metrics: Record<string, MetricDefinition> = {
  log_loss: { direction: 'lower', tasks: ['binary'], value: logLoss, perItem: logLossOf },
  brier: { direction: 'lower', tasks: ['binary'], value: brier, perItem: (label, score) => (score - label) ** 2 },
  auc: { direction: 'higher', tasks: ['binary'], value: auc },
  accuracy: {
    direction: 'higher',
    tasks: ['binary'],
    value: accuracy,
    perItem: (label, score) => Number(score >= 0.5 === label > 0.5),
  },
  f1: { direction: 'higher', tasks: ['binary'], value: f1 },
  bias: { direction: 'zero', tasks: ['binary', 'regression'], value: bias, perItem: (label, score) => score - label },
  calibration_error: { direction: 'lower', tasks: ['binary'], value: calibrationError },
  mae: { direction: 'lower', tasks: ['regression'], value: mae, perItem: (label, score) => Math.abs(score - label) },
  rmse: { direction: 'lower', tasks: ['regression'], value: rmse },
}
