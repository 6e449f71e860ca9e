import type { Row, Value } from '../../../core/onnx/onnx.ts'
import { encoderOf } from '../../../core/stats/design-matrix.ts'
import { chance, fitLogistic } from '../../../core/stats/logistic.ts'
import {
  columnOf,
  encode,
  findMetric,
  type Metric,
  type Pairs,
  partsOf,
  type Question,
} from '../comparison/comparison.ts'
import { type Population, type Representativeness, representativenessOf } from './representative.ts'

/** What is known of a golden set beside its answers. */
export type GoldenFacts = {
  items: Row[]
  slices: string[]
  population: Population | null
  ages: number[]
  overlap: { shared: number; of: number } | null
  /** What the baseline answered in production and what was right, since the sample began. */
  labelled: { labels: (number | string)[]; outputs: Value[] } | null
  /** Some rows that the candidate was trained on, as it reads them. */
  training: { rows: Row[]; labels: number[] } | null
}

/** The set beside production, scored by the quality metric where that is a mean over items. */
export function measureGolden(pairs: Pairs, question: Question, golden: GoldenFacts): Representativeness {
  const metric = findMetric(question, question.metric)
  const scored = metric?.perItem ? scoresOf(metric, pairs, question) : undefined
  const fresh = metric?.perItem && golden.labelled ? freshScores(metric, golden.labelled, question) : []
  return representativenessOf({
    ...golden,
    parts: scored?.candidate ?? null,
    margin: question.margin,
    fresh: scored && fresh.length > 0 ? { metric: question.metric, golden: scored.baseline, production: fresh } : null,
  })
}

function scoresOf(metric: Metric, pairs: Pairs, question: Question) {
  const { labels, candidate, baseline } = encode(pairs, question.task)
  const column = columnOf(question, metric)
  return {
    candidate: partsOf(metric, { labels, outputs: candidate[column] ?? [] }) ?? [],
    baseline: partsOf(metric, { labels, outputs: baseline[column] ?? [] }) ?? [],
  }
}

/** Answers of text are scored by scorers, which have not seen those of production. */
function freshScores(metric: Metric, { labels, outputs }: NonNullable<GoldenFacts['labelled']>, question: Question) {
  if (question.task === 'text') return []
  const side = { answers: [outputs], scores: {} }
  const { labels: numbers, candidate } = encode({ labels, candidate: side, baseline: side }, question.task)
  const parts = partsOf(metric, { labels: numbers, outputs: candidate[columnOf(question, metric)] ?? [] }) ?? []
  return parts.filter(Number.isFinite)
}

/** What a plain logistic regression on the candidate's own training rows answers to each item; null where it cannot be fitted. */
export function logisticAnswers(inputs: Row[], { training }: GoldenFacts): number[] | null {
  const first = training?.rows[0]
  if (!training || !first || new Set(training.labels).size !== 2) return null
  const encoder = encoderOf(training.rows, Object.keys(first))
  const weights = fitLogistic(encoder.encode(training.rows), training.labels)
  return encoder.encode(inputs).map((row) => chance(weights, row))
}
