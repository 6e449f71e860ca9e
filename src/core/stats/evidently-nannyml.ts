import { domainDrift } from './domain-classifier.ts'
import {
  chiSquareContingency,
  chiSquareGoodness,
  jensenShannon,
  twoProportionZ,
  wassersteinNormed,
} from './drift-distances.ts'
import { elementAt } from './element-at.ts'
import { doaneHistograms, sturgesHistograms, valueHistograms } from './histogram-bins.ts'
import { ksTest } from './kolmogorov-smirnov.ts'
import { mmd } from './mmd.ts'
import { createRandom } from './random.ts'
import { ascending } from './summary.ts'

export type ColumnKind = 'numeric' | 'categorical' | 'text' | 'embedding'

/** One column of both files; null, undefined, NaN and infinities are left out. */
export type ColumnPair = {
  column: string
  kind: ColumnKind
  reference: readonly unknown[]
  current: readonly unknown[]
}

export type CompatResult = {
  column: string
  kind: ColumnKind
  /** The test's name in the words of the tool that is followed. */
  test: string
  value: number
  threshold: number
  drifted: boolean
}

type DriftResult = Pick<CompatResult, 'test' | 'value' | 'threshold' | 'drifted'>

const small = 1_000
const fewValues = 5

/**
 * The default test and threshold of Evidently 0.7.21 for one column, chosen by the size of the reference alone.
 * NaN (and not drifted) when a side has no values. Text: the classifier is our own, so its area under the curve agrees
 * in meaning, not in digits.
 */
export function evidentlyTest({ column, kind, reference, current }: ColumnPair): CompatResult {
  const [before, now] = [reference.filter(usable), current.filter(usable)]
  const judged = evidently(kind, before, now)
  return { column, kind, ...judged }
}

function evidently(kind: ColumnKind, before: readonly unknown[], now: readonly unknown[]): DriftResult {
  if (before.length === 0 || now.length === 0)
    return { test: 'none: no values', value: Number.NaN, threshold: Number.NaN, drifted: false }
  if (kind === 'text') return textTest(before, now)
  if (kind === 'embedding') return embeddingTest(before, now)
  const distinct = distinctOf(before, now)
  if (before.length <= small) {
    if (kind === 'numeric' && distinct > fewValues) {
      const { p } = ksTest(before.map(Number), now.map(Number))
      return { test: 'K-S p_value', value: p, threshold: 0.05, drifted: p <= 0.05 }
    }
    if (distinct > 2) {
      const counts = valueHistograms(before.map(keyOf), now.map(keyOf))
      const { p } = chiSquareGoodness(counts.reference, counts.current)
      return { test: 'chi-square p_value', value: p, threshold: 0.05, drifted: p < 0.05 }
    }
    const p = proportionsP(before, now)
    return { test: 'Z-test p_value', value: p, threshold: 0.05, drifted: p < 0.05 }
  }
  if (kind === 'numeric' && distinct > fewValues) {
    const value = wassersteinNormed(before.map(Number), now.map(Number))
    return { test: 'Wasserstein distance (normed)', value, threshold: 0.1, drifted: value >= 0.1 }
  }
  const counts =
    kind === 'numeric'
      ? sturgesHistograms(before.map(Number), now.map(Number))
      : valueHistograms(before.map(keyOf), now.map(keyOf))
  const value = jensenShannon(counts.reference, counts.current)
  return { test: 'Jensen-Shannon distance', value, threshold: 0.1, drifted: value >= 0.1 }
}

/** How many different values there are; beyond five it does not matter how many. */
function distinctOf(before: readonly unknown[], now: readonly unknown[]): number {
  const seen = new Set<unknown>()
  for (const values of [before, now]) {
    for (const value of values) {
      seen.add(keyOf(value))
      if (seen.size > fewValues) return seen.size
    }
  }
  return seen.size
}

/** Two values at most: the share of everything that is not the smallest key. */
function proportionsP(before: readonly unknown[], now: readonly unknown[]): number {
  const keys = [...new Set([...before, ...now])].sort((a, b) => (lessThan(a, b) ? -1 : 1))
  const others = (values: readonly unknown[]) => values.filter((value) => value !== keys[0]).length
  if (keys.length === 1) return 1
  return twoProportionZ({ count: others(before), n: before.length }, { count: others(now), n: now.length }).p
}

function lessThan(a: unknown, b: unknown): boolean {
  return typeof a === 'number' && typeof b === 'number' ? a < b : String(a) < String(b)
}

/** A classifier on the components, drifted above an area of 0.55. */
function embeddingTest(before: readonly unknown[], now: readonly unknown[]): DriftResult {
  const rows = (values: readonly unknown[]) => values.map((embedding) => ({ embedding: vectorOf(embedding) }))
  const { auc } = domainDrift(rows(before), rows(now))
  return { test: 'domain classifier AUC', value: auc, threshold: 0.55, drifted: auc > 0.55 }
}

/** Squared maximum mean discrepancy of two columns of embeddings; 0.015 is Evidently's mark. */
export function embeddingDiscrepancy({ column, kind, reference, current }: ColumnPair): CompatResult {
  const { value } = mmd(reference.filter(usable).map(vectorOf), current.filter(usable).map(vectorOf))
  return { column, kind, test: 'maximum mean discrepancy', value, threshold: 0.015, drifted: value > 0.015 }
}

function vectorOf(value: unknown): number[] {
  return Array.isArray(value) ? value.map(Number) : []
}

const randomDraws = 1_000

/** An area above 0.55, or for small references above what random scores reach once in twenty times. */
function textTest(before: readonly unknown[], now: readonly unknown[]): DriftResult {
  const rows = (values: readonly unknown[]) => values.map((text) => ({ text: `${String(text)} ` }))
  const { auc } = domainDrift(rows(before), rows(now))
  const threshold = before.length > small ? 0.55 : randomThreshold(before.length, now.length)
  return { test: 'domain classifier AUC', value: auc, threshold, drifted: auc > threshold }
}

function randomThreshold(n: number, m: number): number {
  const random = createRandom(7)
  const areas = Array.from({ length: randomDraws }, () => {
    const positives = Array.from({ length: Math.min(m, 500) }, random)
    const negatives = ascending(Array.from({ length: Math.min(n, 500) }, random))
    const wins = positives.reduce((sum, score) => sum + below(negatives, score), 0)
    return wins / (positives.length * negatives.length)
  })
  return elementAt(ascending(areas), Math.floor(0.95 * (randomDraws - 1)))
}

function below(sorted: readonly number[], value: number): number {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (elementAt(sorted, middle) < value) from = middle + 1
    else to = middle
  }
  return from
}

/**
 * NannyML's default for one column: the Jensen-Shannon distance to base 2, numbers in Doane's bins of the reference.
 * Its threshold is the mean of the reference's own chunks plus three of their standard deviations; `chunks` of equal
 * size, ten by default. Text is treated as categories, as there.
 */
export function nannymlTest({ column, kind, reference, current }: ColumnPair, chunks = 10): CompatResult {
  const [before, now] = [reference.filter(usable), current.filter(usable)]
  const test = 'Jensen-Shannon distance (base 2)'
  if (before.length < chunks || now.length === 0)
    return { column, kind, test, value: Number.NaN, threshold: Number.NaN, drifted: false }
  const distance = (values: readonly unknown[]) => {
    const counts =
      kind === 'numeric'
        ? doaneHistograms(before.map(Number), values.map(Number))
        : valueHistograms(before.map(keyOf), values.map(keyOf))
    return jensenShannon(counts.reference, counts.current, 2)
  }
  const size = Math.floor(before.length / chunks)
  const own = Array.from({ length: chunks }, (_, chunk) =>
    distance(before.slice(chunk * size, chunk === chunks - 1 ? before.length : (chunk + 1) * size)),
  )
  const center = own.reduce((sum, value) => sum + value, 0) / chunks
  const deviation = Math.sqrt(own.reduce((sum, value) => sum + (value - center) ** 2, 0) / chunks)
  const threshold = center + 3 * deviation
  const value = distance(now)
  return { column, kind, test, value, threshold, drifted: value > threshold }
}

/** NannyML's other test of categories: both samples count as random. */
export function nannymlChiSquare(
  reference: readonly unknown[],
  current: readonly unknown[],
): { statistic: number; p: number } {
  const counts = valueHistograms(reference.filter(usable).map(keyOf), current.filter(usable).map(keyOf))
  return chiSquareContingency(counts.reference, counts.current)
}

/** Evidently's verdict over the whole table: at least half of the columns drifted. */
export function datasetDrifted(results: readonly CompatResult[]): boolean {
  return results.length > 0 && results.filter(({ drifted }) => drifted).length / results.length >= 0.5
}

function usable(value: unknown): boolean {
  return value !== null && value !== undefined && !(typeof value === 'number' && !Number.isFinite(value))
}

/** Dates and big integers compare by what they say. */
function keyOf(value: unknown): unknown {
  return typeof value === 'object' ? JSON.stringify(value) : typeof value === 'bigint' ? Number(value) : value
}
