import type { SketchReference } from '../../../core/stats/sketch.ts'
import type { LoggedPrediction } from '../../serving/serving.ts'
import { residualColumn, scoreColumn } from './baseline.ts'
import { hourlySketches } from './sketches.ts'

/** Count, mean and squared deviations of numbers that are not kept. */
export type Running = { n: number; mean: number; squares: number }

export function running(): Running {
  return { n: 0, mean: 0, squares: 0 }
}

export function observe(state: Running, value: number): void {
  state.n += 1
  const before = value - state.mean
  state.mean += before / state.n
  state.squares += before * (value - state.mean)
}

const keptPairs = 50_000
const keptRows = 2_000
const keptLatencies = 100_000

/** What a window's rows come to, in memory that does not grow with them: sums, sketches, and samples of bounded size. */
export type Tally = {
  release: string
  version: number
  rows: number
  prediction: Running
  label: Running
  bias: Running
  /** Sum of p (1 - p) over the labelled rows: the variance of their labels, were the predictions true. */
  spread: number
  pairs: Sample<{ prediction: number; label: number }>
  scores: Sample<number>
  sample: Sample<LoggedPrediction>
  sketches: ReturnType<typeof hourlySketches>
}

export function tallyOf(release: string, version: number, bins: ReadonlyMap<string, SketchReference>): Tally {
  return {
    release,
    version,
    rows: 0,
    prediction: running(),
    label: running(),
    bias: running(),
    spread: 0,
    pairs: sampleOf(keptPairs),
    scores: sampleOf(keptPairs),
    sample: sampleOf(keptRows),
    sketches: hourlySketches(bins),
  }
}

export function addRow(tally: Tally, row: LoggedPrediction): void {
  const score = typeof row.output === 'number' && Number.isFinite(row.output) ? row.output : null
  tally.rows += 1
  keep(tally.sample, row)
  if (score !== null) keep(tally.scores, score)
  if (row.label !== null && score !== null) {
    observe(tally.prediction, score)
    observe(tally.label, row.label)
    observe(tally.bias, score - row.label)
    tally.spread += Math.max(0, score * (1 - score))
    keep(tally.pairs, { prediction: score, label: row.label })
  }
  const residual = row.label !== null && score !== null ? score - row.label : undefined
  tally.sketches.add(row.at, (column) => {
    if (column === scoreColumn) return row.output
    if (column === residualColumn) return residual
    return row.inputs[column]
  })
}

/** All releases together: how the service did. */
export type Service = {
  rows: number
  bad: number
  latencies: Sample<number>
  costs: Running
  knownUpTo: string | null
}

export function serviceOf(): Service {
  return { rows: 0, bad: 0, latencies: sampleOf(keptLatencies), costs: running(), knownUpTo: null }
}

export function addToService(service: Service, row: LoggedPrediction): void {
  service.rows += 1
  if (row.bad !== null) service.bad += 1
  if (Number.isFinite(row.latencyMs)) keep(service.latencies, row.latencyMs)
  if (row.cost !== null) observe(service.costs, row.cost)
  if (row.labelKnownAt !== null && row.labelKnownAt > (service.knownUpTo ?? '')) service.knownUpTo = row.labelKnownAt
}

/** Every item until it is full; then every second, fourth … one, so that it stays spread over all of them. */
export type Sample<Item> = { items: Item[]; seen: number; step: number; capacity: number }

function sampleOf<Item>(capacity: number): Sample<Item> {
  return { items: [], seen: 0, step: 1, capacity }
}

export function keep<Item>(sample: Sample<Item>, item: Item): void {
  if (sample.seen % sample.step === 0) sample.items.push(item)
  sample.seen += 1
  if (sample.items.length <= sample.capacity) return
  sample.items = sample.items.filter((_, index) => index % 2 === 0)
  sample.step *= 2
}
