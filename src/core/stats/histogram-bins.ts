import { elementAt } from './element-at.ts'
import { mean, variance } from './summary.ts'

/** Two histograms over the same bins. */
export type Histograms = { reference: number[]; current: number[] }

/** Distinct values up to which a numeric column is counted value by value. */
const fewDistinct = 20

/**
 * Numeric columns as Evidently 0.7 bins them: equal widths by Sturges' rule over both samples together, or each value by
 * itself when the reference has at most 20 different ones. Missing values must be gone: a NaN is a RangeError.
 */
export function sturgesHistograms(reference: readonly number[], current: readonly number[]): Histograms {
  if (new Set(reference).size <= fewDistinct) return valueHistograms(reference, current)
  const edges = sturgesEdges([...reference, ...current])
  return { reference: countBetween(edges, reference), current: countBetween(edges, current) }
}

/**
 * Numeric columns as NannyML bins them: equal widths by Doane's rule over the reference alone; what falls outside of
 * them becomes one more bin, if anything does.
 */
export function doaneHistograms(reference: readonly number[], current: readonly number[]): Histograms {
  const edges = doaneEdges(reference)
  const inside = { reference: countBetween(edges, reference), current: countBetween(edges, current) }
  const outside = current.length - inside.current.reduce((total, count) => total + count, 0)
  if (outside === 0) return inside
  return { reference: [...inside.reference, 0], current: [...inside.current, outside] }
}

/** Counts of every value that occurs in either sample, in the order of their first occurrence. */
export function valueHistograms<Value>(reference: readonly Value[], current: readonly Value[]): Histograms {
  const counts = new Map<Value, [number, number]>()
  for (const [side, values] of [reference, current].entries()) {
    for (const value of values) {
      const found = counts.get(value) ?? [0, 0]
      found[side] = (found[side] ?? 0) + 1
      counts.set(value, found)
    }
  }
  const pairs = [...counts.values()]
  return { reference: pairs.map(([first]) => first), current: pairs.map(([, second]) => second) }
}

/** Bin edges by Sturges' rule (1926): log2(n) + 1 bins. Whole numbers get bins at least one wide, as in numpy 2. */
export function sturgesEdges(values: readonly number[]): number[] {
  return equalEdges(values, (range) => range / (Math.log2(values.length) + 1), values.every(Number.isInteger) ? 1 : 0)
}

/** Bin edges by Doane's rule (1976): Sturges' with more bins the more skewed the values are. Whole numbers count as any. */
export function doaneEdges(values: readonly number[]): number[] {
  const n = values.length
  const deviation = Math.sqrt(variance(values, 0))
  if (n < 3 || deviation === 0) return equalEdges(values, () => 0)
  const center = mean(values)
  const skewness = mean(values.map((value) => ((value - center) / deviation) ** 3))
  const skewnessError = Math.sqrt((6 * (n - 2)) / ((n + 1) * (n + 3)))
  return equalEdges(values, (range) => range / (1 + Math.log2(n) + Math.log2(1 + Math.abs(skewness) / skewnessError)))
}

function equalEdges(values: readonly number[], widthOf: (range: number) => number, narrowest = 0): number[] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (!Number.isFinite(value)) throw new RangeError(`${value} belongs to no bin`)
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (values.length === 0) return []
  if (low === high) return [low - 0.5, high + 0.5]
  const width = Math.max(widthOf(high - low), narrowest)
  const bins = width === 0 ? 1 : Math.ceil((high - low) / width)
  const step = (high - low) / bins
  return Array.from({ length: bins + 1 }, (_, index) => (index === bins ? high : low + index * step))
}

/** Counts between neighbouring edges, left edge included; the last bin includes both. Values outside are not counted. */
export function countBetween(edges: readonly number[], values: readonly number[]): number[] {
  const bins = Math.max(0, edges.length - 1)
  const counts = new Array<number>(bins).fill(0)
  if (bins === 0) return counts
  const [low, high] = [elementAt(edges, 0), elementAt(edges, bins)]
  for (const value of values) {
    if (!(value >= low && value <= high)) continue
    let bin = Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins))
    // The division may round across an edge.
    if (value < elementAt(edges, bin)) bin -= 1
    else if (bin < bins - 1 && value >= elementAt(edges, bin + 1)) bin += 1
    counts[bin] = elementAt(counts, bin) + 1
  }
  return counts
}
