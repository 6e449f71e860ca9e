import { psi, psiCritical } from '../../core/stats/drift-distances.ts'
import { elementAt } from '../../core/stats/element-at.ts'
import { ascending } from '../../core/stats/summary.ts'

export type Value = number | string | null

/** Fixed bins of one column, made from the reference: numbers by quantiles, everything else by value. */
export type Bins = {
  column: string
  edges: number[] | null
  categories: string[] | null
  counts: number[]
  threshold: number
}

/** What a version was like in training, and how far its own training windows strayed from the whole. */
export type Reference = { trainingSet: string; rows: number; bins: Bins[]; bias: { threshold: number; window: string } }

const quantiles = 10
const fewDistinct = 25
const mostCategories = 30

/** Bins from reference values: the last one is for null, and categories have one for everything new. */
export function makeBins(column: string, values: readonly Value[]): Bins {
  const numbers = values.filter((value) => typeof value === 'number')
  const distinct = new Set(values.filter((value) => value !== null).map(String))
  if (numbers.length > 0 && distinct.size > fewDistinct) {
    const sorted = ascending(numbers)
    const cuts = Array.from({ length: quantiles - 1 }, (_, index) =>
      elementAt(sorted, Math.floor(((index + 1) * sorted.length) / quantiles)),
    )
    const bins = { column, edges: [...new Set(cuts)], categories: null, counts: [], threshold: 0 }
    return { ...bins, counts: countInto(bins, values) }
  }
  const categories = [...distinct].sort().slice(0, mostCategories)
  const bins = { column, edges: null, categories, counts: [], threshold: 0 }
  return { ...bins, counts: countInto(bins, values) }
}

export function countInto(bins: Pick<Bins, 'edges' | 'categories'>, values: readonly Value[]): number[] {
  const size = bins.edges ? bins.edges.length + 2 : (bins.categories?.length ?? 0) + 2
  const counts = new Array<number>(size).fill(0)
  const positions = new Map((bins.categories ?? []).map((category, index) => [category, index]))
  for (const value of values) {
    const index =
      value === null
        ? size - 1
        : bins.edges
          ? binOf(bins.edges, Number(value))
          : (positions.get(String(value)) ?? size - 2)
    counts[index] = elementAt(counts, index) + 1
  }
  return counts
}

function binOf(edges: readonly number[], value: number): number {
  const index = edges.findIndex((edge) => value < edge)
  return index < 0 ? edges.length : index
}

export type Drift = { column: string; psi: number; critical: number; drifted: boolean }

/**
 * Did a column move? Only when the index exceeds all three: the marked size of effect, what chance alone gives for
 * samples of these sizes, and the furthest that training strayed from itself.
 */
export function driftOf(bins: Bins, values: readonly Value[], effect: number): Drift {
  const current = countInto(bins, values)
  const used = bins.counts.filter((count, index) => count + elementAt(current, index) > 0).length
  const n = bins.counts.reduce((sum, count) => sum + count, 0)
  const value = values.length === 0 ? 0 : psi(smoothed(bins.counts), smoothed(current))
  const chance = values.length === 0 ? 0 : psiCritical({ bins: used, n, m: values.length, alpha: 0.01 })
  const critical = Math.max(effect, chance, bins.threshold)
  return { column: bins.column, psi: value, critical, drifted: value > critical }
}

/** Half a value in every bin: an empty bin then says little about small samples, as it should. */
function smoothed(counts: readonly number[]): number[] {
  return counts.map((count) => count + 0.5)
}

/** Windows follow each other without gaps from an anchor; the one that contains `at`. */
export function windowAround(at: number, anchor: number, length: number): { from: number; to: number } {
  const from = anchor + Math.floor((at - anchor) / length) * length
  return { from, to: from + length }
}

const significance = 3

/** Is predicted minus observed beyond its threshold, and beyond chance? `z` is the bias in standard errors under the predictions. */
export function biasAlarms(
  predictions: readonly number[],
  labels: readonly number[],
  threshold: number,
): { bias: number; z: number; alarms: boolean } {
  let difference = 0
  let spread = 0
  for (const [index, p] of predictions.entries()) {
    difference += p - elementAt(labels, index)
    spread += p * (1 - p)
  }
  const bias = difference / predictions.length
  const z = spread === 0 ? 0 : difference / Math.sqrt(spread)
  return { bias, z, alarms: Math.abs(bias) > threshold && Math.abs(z) > significance }
}

const unitMilliseconds = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export function milliseconds(duration: string): number {
  return Number(duration.slice(0, -1)) * unitMilliseconds[duration.at(-1) as keyof typeof unitMilliseconds]
}
