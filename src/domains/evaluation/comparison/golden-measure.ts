import type { Row, Value } from '../../../core/onnx/onnx.ts'
import { encoderOf } from '../../../core/stats/design-matrix.ts'
import { chance, fitLogistic } from '../../../core/stats/logistic.ts'
import type { ComparisonSettings, Pairs } from './compare.ts'
import { encode } from './encoding.ts'
import { type Population, type Representativeness, representativenessOf } from './representative.ts'
import { columnOf, findMetric } from './tasks.ts'
import { type Metric, partsOf } from './units.ts'

/** What is known of a golden set apart from the answers to it. */
export type GoldenFacts = {
  items: Row[]
  slices: string[]
  population: Population | null
  ages: number[]
  overlap: { shared: number; of: number } | null
  /** The baseline's answers in the sample of production, with their labels. */
  labelled: { labels: (number | string)[]; outputs: Value[] } | null
  /** Some rows that the candidate was trained on, as it reads them. */
  training: { rows: Row[]; labels: number[] } | null
}

/** Compares the set with production; scores are included where the quality metric is a mean over items. */
export function measureGolden(pairs: Pairs, settings: ComparisonSettings, golden: GoldenFacts): Representativeness {
  const metric = findMetric(settings, settings.metric)
  const scored = metric?.perItem ? scoresOf(metric, pairs, settings) : undefined
  const fresh = metric?.perItem && golden.labelled ? freshScores(metric, golden.labelled, settings) : []
  return representativenessOf({
    ...golden,
    parts: scored?.candidate ?? null,
    margin: settings.margin,
    fresh: scored && fresh.length > 0 ? { metric: settings.metric, golden: scored.baseline, production: fresh } : null,
  })
}

function scoresOf(metric: Metric, pairs: Pairs, settings: ComparisonSettings) {
  const { labels, candidate, baseline } = encode(pairs, settings)
  const column = columnOf(settings, metric)
  return {
    candidate: partsOf(metric, { labels, outputs: candidate[column] ?? [] }) ?? [],
    baseline: partsOf(metric, { labels, outputs: baseline[column] ?? [] }) ?? [],
  }
}

/** Empty for answers of text: scorers have not scored those of production. */
function freshScores(
  metric: Metric,
  { labels, outputs }: NonNullable<GoldenFacts['labelled']>,
  settings: ComparisonSettings,
) {
  if (settings.task === 'text') return []
  const side = { answers: [outputs], scores: {} }
  const { labels: numbers, candidate } = encode({ labels, candidate: side, baseline: side }, settings)
  const parts = partsOf(metric, { labels: numbers, outputs: candidate[columnOf(settings, metric)] ?? [] }) ?? []
  return parts.filter(Number.isFinite)
}

/** The answers of a logistic regression that is fitted on the candidate's training rows; null where it cannot be fitted. */
export function logisticAnswers(inputs: Row[], { training }: GoldenFacts): number[] | null {
  const first = training?.rows[0]
  if (!training || !first || new Set(training.labels).size !== 2) return null
  const encoder = encoderOf(training.rows, Object.keys(first))
  const weights = fitLogistic(encoder.encode(training.rows), training.labels)
  return encoder.encode(inputs).map((row) => chance(weights, row))
}
