import type { SketchReference } from '../../../core/stats/sketch.ts'
import type { Answered, AnswersOfSpec } from '../../evaluation/evaluation.ts'
import type * as registry from '../../registry/registry.ts'
import type { LoggedPrediction } from '../../serving/serving.ts'
import { residualColumn, scoreColumn } from './baseline.ts'
import { hourlySketches, periodsOf } from './sketches.ts'

/** Count, mean and sum of squared deviations, updated number by number (Welford). */
export type RunningMoments = { n: number; mean: number; squares: number }

export function createMoments(): RunningMoments {
  return { n: 0, mean: 0, squares: 0 }
}

export function addValue(state: RunningMoments, value: number): void {
  state.n += 1
  const before = value - state.mean
  state.mean += before / state.n
  state.squares += before * (value - state.mean)
}

const keptAnswers = 50_000
const keptRows = 2_000
const keptLatencies = 100_000

/** Sums, sketches and bounded samples of a window's rows: memory does not grow with the rows. */
export type Accumulator = {
  release: string
  version: number
  rows: number
  prediction: RunningMoments
  label: RunningMoments
  bias: RunningMoments
  /** Sum of p (1 - p) over the labelled rows: the variance of the sum of labels if the predictions are right. */
  spread: number
  /** Scores that are exactly 0 or 1: classes, where probabilities are expected. */
  classes: number
  /** Answers that can be judged. */
  judged: Sample<Answered>
  scores: Sample<number>
  sample: Sample<LoggedPrediction>
  sketches: ReturnType<typeof hourlySketches>
}

export function createAccumulator(
  release: string,
  version: number,
  bins: ReadonlyMap<string, SketchReference>,
  window: { from: string; to: string },
): Accumulator {
  return {
    release,
    version,
    rows: 0,
    prediction: createMoments(),
    label: createMoments(),
    bias: createMoments(),
    spread: 0,
    classes: 0,
    judged: createSample(keptAnswers),
    scores: createSample(keptAnswers),
    sample: createSample(keptRows),
    sketches: hourlySketches(bins, periodsOf(window)),
  }
}

export function addRow(accumulator: Accumulator, row: LoggedPrediction, answers: AnswersOfSpec): void {
  const score = typeof row.output === 'number' && Number.isFinite(row.output) ? row.output : null
  accumulator.rows += 1
  addToSample(accumulator.sample, row)
  if (score === 0 || score === 1) accumulator.classes += 1
  if (score !== null) addToSample(accumulator.scores, score)
  const answered = answers.read(row)
  if (answered) addToSample(accumulator.judged, answered)
  const label = answers.kind.quantities && typeof row.label === 'number' ? row.label : null
  if (label !== null && score !== null) {
    addValue(accumulator.prediction, score)
    addValue(accumulator.label, label)
    addValue(accumulator.bias, score - label)
    accumulator.spread += Math.max(0, score * (1 - score))
  }
  const residual = label !== null && score !== null ? score - label : undefined
  accumulator.sketches.add(row.at, (column) => {
    if (column === scoreColumn) return answers.kind.shown(row.output)
    if (column === residualColumn) return residual
    return row.inputs[column]
  })
}

/** Totals over all releases. */
export type ServiceTotals = {
  /** Answers, those of a release that could not answer among them. */
  rows: number
  /** What was asked: an answer that stood in for another is of the same request. */
  requests: number
  labelled: number
  bad: number
  /** Answers with any mark, and how many have which. */
  marked: number
  marks: registry.MarkCounts
  latencies: Sample<number>
  costs: RunningMoments
  knownUpTo: string | null
}

export function createServiceTotals(): ServiceTotals {
  return {
    rows: 0,
    requests: 0,
    labelled: 0,
    bad: 0,
    marked: 0,
    marks: {},
    latencies: createSample(keptLatencies),
    costs: createMoments(),
    knownUpTo: null,
  }
}

export function addToTotals(service: ServiceTotals, row: LoggedPrediction): void {
  service.rows += 1
  if (!row.fallback) {
    service.requests += 1
    if (row.label !== null) service.labelled += 1
  }
  if (row.bad !== null) service.bad += 1
  if (row.marks.length > 0) service.marked += 1
  for (const mark of row.marks) service.marks[mark] = (service.marks[mark] ?? 0) + 1
  if (Number.isFinite(row.latencyMs)) addToSample(service.latencies, row.latencyMs)
  if (row.cost !== null) addValue(service.costs, row.cost)
  if (row.labelKnownAt !== null && row.labelKnownAt > (service.knownUpTo ?? '')) service.knownUpTo = row.labelKnownAt
}

/** Every item until it is full, then every second, fourth … one: always spread over all items. */
export type Sample<Item> = { items: Item[]; seen: number; step: number; capacity: number }

export function createSample<Item>(capacity: number): Sample<Item> {
  return { items: [], seen: 0, step: 1, capacity }
}

export function addToSample<Item>(sample: Sample<Item>, item: Item): void {
  if (sample.seen % sample.step === 0) sample.items.push(item)
  sample.seen += 1
  if (sample.items.length <= sample.capacity) return
  sample.items = sample.items.filter((_, index) => index % 2 === 0)
  sample.step *= 2
}
