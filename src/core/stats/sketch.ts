import { addToDDSketch, createDDSketch, type DDSketch, ddSketchQuantile, mergeDDSketches } from './ddsketch.ts'
import { jensenShannon, psi, psiCritical } from './drift-distances.ts'
import { elementAt } from './element-at.ts'
import { ascending } from './summary.ts'

/** Bins fixed by a reference sample, with its counts. */
export type SketchReference =
  /** Counts: under, each bin from its lower bound up to the next (the last up to `highest`), over, unusable. */
  | { kind: 'numeric'; lowerBounds: number[]; highest: number; counts: number[] }
  /** Counts: each category, others, missing. */
  | { kind: 'categorical'; categories: string[]; counts: number[] }

/** What a window of values looked like beside the reference, in constant memory. Plain data: JSON-able and mergeable. */
export type Sketch = {
  reference: SketchReference
  /** The same bins as the reference's. */
  counts: number[]
  /** Only of numeric columns. */
  numbers: Numbers | null
}

type Numbers = {
  count: number
  mean: number
  /** Sum of the squared deviations from the mean. */
  squares: number
  lowest: number | null
  highest: number | null
  quantiles: DDSketch
}

type ReferenceInput = {
  kind: 'numeric' | 'categorical'
  values: readonly unknown[]
  /** Bins of equal probability for numbers (20), or the most frequent categories to tell apart (50). */
  bins?: number
}

/**
 * Bins from a reference sample. Numbers: bins of equal probability, or one for each value when there are few; plus
 * under, over and unusable. Categories: the most frequent, others, missing.
 */
export function createReference({ kind, values, bins }: ReferenceInput): SketchReference {
  const reference = kind === 'numeric' ? numericBins(values, bins ?? 20) : categoricalBins(values, bins ?? 50)
  const { counts } = reference
  for (const value of values) increase(counts, binOf(reference, value))
  return reference
}

function numericBins(values: readonly unknown[], bins: number): SketchReference {
  const sorted = ascending(values.flatMap((value) => asNumber(value) ?? []))
  const distinct = [...new Set(sorted)]
  const quantiles = Array.from({ length: bins }, (_, bin) => sorted[Math.floor((bin * sorted.length) / bins)] ?? 0)
  const lowerBounds = distinct.length <= bins ? distinct : [...new Set(quantiles)]
  return { kind: 'numeric', lowerBounds, highest: sorted.at(-1) ?? 0, counts: zeros(lowerBounds.length + 3) }
}

function categoricalBins(values: readonly unknown[], bins: number): SketchReference {
  const frequencies = new Map<string, number>()
  for (const value of values) {
    const category = asCategory(value)
    if (category !== null) frequencies.set(category, (frequencies.get(category) ?? 0) + 1)
  }
  const categories = [...frequencies]
    .sort(([a, first], [b, second]) => second - first || (a < b ? -1 : 1))
    .slice(0, bins)
    .map(([category]) => category)
  return { kind: 'categorical', categories, counts: zeros(categories.length + 2) }
}

/** A sketch of nothing yet. */
export function createSketch(reference: SketchReference): Sketch {
  const numbers = { count: 0, mean: 0, squares: 0, lowest: null, highest: null, quantiles: createDDSketch() }
  return {
    reference,
    counts: zeros(reference.counts.length),
    numbers: reference.kind === 'numeric' ? numbers : null,
  }
}

/**
 * Adds a value to the sketch itself, which is cheap enough for every request. Null, undefined, NaN, infinities and, in a
 * numeric column, anything that is neither number nor yes/no are counted as unusable.
 */
export function addToSketch(sketch: Sketch, value: unknown): void {
  increase(sketch.counts, binOf(sketch.reference, value))
  const number = asNumber(value)
  if (!sketch.numbers || number === null) return
  const { numbers } = sketch
  numbers.count += 1
  const before = number - numbers.mean
  numbers.mean += before / numbers.count
  numbers.squares += before * (number - numbers.mean)
  numbers.lowest = Math.min(numbers.lowest ?? number, number)
  numbers.highest = Math.max(numbers.highest ?? number, number)
  addToDDSketch(numbers.quantiles, number)
}

/** A new sketch of both windows. Throws a RangeError when they were made against different references. */
export function mergeSketches(a: Sketch, b: Sketch): Sketch {
  if (a.reference !== b.reference && JSON.stringify(a.reference) !== JSON.stringify(b.reference)) {
    throw new RangeError('Sketches against different references cannot be merged')
  }
  return {
    reference: a.reference,
    counts: a.counts.map((count, bin) => count + elementAt(b.counts, bin)),
    numbers: a.numbers && b.numbers ? mergeNumbers(a.numbers, b.numbers) : null,
  }
}

function mergeNumbers(a: Numbers, b: Numbers): Numbers {
  const count = a.count + b.count
  if (count === 0) return structuredClone(a)
  const shift = b.mean - a.mean
  return {
    count,
    mean: a.mean + (shift * b.count) / count,
    squares: a.squares + b.squares + (shift * shift * a.count * b.count) / count,
    lowest: least(a.lowest, b.lowest, Math.min),
    highest: least(a.highest, b.highest, Math.max),
    quantiles: mergeDDSketches(a.quantiles, b.quantiles),
  }
}

function least(a: number | null, b: number | null, choose: (a: number, b: number) => number): number | null {
  return a === null || b === null ? (a ?? b) : choose(a, b)
}

export type SketchDrift = {
  /** Values in the window, unusable ones included. */
  n: number
  /** Bins that either side has values in. */
  bins: number
  psi: number
  /** What chance alone exceeds once in twenty times, at this sample size and number of bins. */
  critical: number
  /** In nats, 0 … 0.8326. */
  jensenShannon: number
}

/**
 * How far the window is from its reference; NaN while either is empty. Each bin counts half a value more than it has:
 * without that, a single value out of the reference's range exceeds `critical` far too often in small windows.
 */
export function sketchDrift({ reference, counts }: Sketch): SketchDrift {
  const used = counts.flatMap((count, bin) => {
    const before = elementAt(reference.counts, bin)
    return count + before > 0 ? [{ before, count }] : []
  })
  const [before, now] = [used.map((bin) => bin.before), used.map((bin) => bin.count)]
  const [n, m] = [total(before), total(now)]
  return {
    n: m,
    bins: used.length,
    psi: n > 0 && m > 0 ? psi(before.map(withHalf), now.map(withHalf)) : Number.NaN,
    critical: psiCritical({ bins: used.length, n, m }),
    jensenShannon: jensenShannon(before, now),
  }
}

/** Count, unusable values and, for numbers, the usual statistics; quantiles are within 1 %, null without numbers. */
export function sketchSummary({ counts, numbers }: Sketch) {
  const frame = { count: total(counts), missing: elementAt(counts, counts.length - 1) }
  if (!numbers || numbers.count === 0) {
    return { ...frame, mean: null, deviation: null, lowest: null, highest: null, median: null, p95: null, p99: null }
  }
  return {
    ...frame,
    mean: numbers.mean,
    deviation: Math.sqrt(numbers.squares / numbers.count),
    lowest: numbers.lowest,
    highest: numbers.highest,
    median: ddSketchQuantile(numbers.quantiles, 0.5),
    p95: ddSketchQuantile(numbers.quantiles, 0.95),
    p99: ddSketchQuantile(numbers.quantiles, 0.99),
  }
}

function binOf(reference: SketchReference, value: unknown): number {
  const last = reference.counts.length - 1
  if (reference.kind === 'categorical') {
    const category = asCategory(value)
    if (category === null) return last
    const bin = reference.categories.indexOf(category)
    return bin === -1 ? last - 1 : bin
  }
  const number = asNumber(value)
  if (number === null) return last
  const { lowerBounds, highest } = reference
  if (lowerBounds.length === 0 || number > highest) return last - 1
  let [from, to] = [0, lowerBounds.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (elementAt(lowerBounds, middle) <= number) from = middle + 1
    else to = middle
  }
  return from
}

function asNumber(value: unknown): number | null {
  if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value)
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function asCategory(value: unknown): string | null {
  return value === null || value === undefined || Number.isNaN(value) ? null : String(value)
}

function increase(counts: number[], bin: number): void {
  counts[bin] = elementAt(counts, bin) + 1
}

function withHalf(count: number): number {
  return count + 0.5
}

function zeros(length: number): number[] {
  return new Array<number>(length).fill(0)
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
