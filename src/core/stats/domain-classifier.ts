import { elementAt } from './element-at.ts'
import { auc } from './metrics.ts'
import { createRandom, hashUnit } from './random.ts'
import { mean, variance } from './summary.ts'

export type DomainRow = Readonly<Record<string, unknown>>

export type DomainDrift = {
  /** Chance that the classifier ranks a current row above a reference row: 0.5 is alike, 1 fully apart. */
  auc: number
  lower: number
  upper: number
  n: number
  m: number
  /** Share of the classifier's weight that each column carries, largest first. */
  columns: { column: string; share: number }[]
}

type Column = { name: string; kind: 'number' | 'category' | 'text' | 'vector'; offset: number; size: number }
type SparseRow = { index: number[]; value: number[] }

const categoryBuckets = 32
const textBuckets = 512
const longText = 3
const maxSample = 2_000
const epochs = 8
const step = 0.3
const shrink = 1e-3
const z95 = 1.959963984540054

/**
 * Can a classifier tell the rows of today from those of the reference? Logistic regression on standardised numbers,
 * hashed categories, hashed words and embeddings, trained on one half and scored on the other: more folds would be alike
 * by construction, and their interval too narrow. At most 2,000 rows of a side. One number for all columns together, also for text and embeddings. NaN when a side has fewer than 10 rows.
 */
export function domainDrift(reference: readonly DomainRow[], current: readonly DomainRow[], seed = 1): DomainDrift {
  const random = createRandom(seed)
  const [before, now] = [sampled(reference, random), sampled(current, random)]
  const [n, m] = [before.length, now.length]
  if (Math.min(n, m) < 10) return { auc: Number.NaN, lower: Number.NaN, upper: Number.NaN, n, m, columns: [] }
  const rows = [...before, ...now]
  const labels = rows.map((_, index) => Number(index >= n))
  const columns = columnsOf(rows)
  const encoded = encode(rows, columns)
  const order = shuffled(
    rows.map((_, index) => index),
    random,
  )
  const half = order.length >> 1
  const model = train(encoded, labels, order.slice(0, half), sizeOf(columns))
  const testing = order.slice(half)
  const truth = testing.map((index) => elementAt(labels, index))
  const area = auc(
    truth,
    testing.map((index) => score(model, elementAt(encoded, index))),
  )
  const positives = truth.filter((label) => label === 1).length
  const interval = hanleyMcNeil(area, positives, truth.length - positives)
  return { auc: area, ...interval, n, m, columns: sharesOf(columns, model.weights.map(Math.abs)) }
}

/**
 * 95 % interval of an area under the curve from its size and the numbers of positives and negatives alone.
 * Source: Hanley and McNeil, Radiology 143 (1982).
 */
export function hanleyMcNeil(area: number, positives: number, negatives: number): { lower: number; upper: number } {
  const both = area / (2 - area)
  const twice = (2 * area * area) / (1 + area)
  const spread = area * (1 - area) + (positives - 1) * (both - area * area) + (negatives - 1) * (twice - area * area)
  const half = z95 * Math.sqrt(Math.max(0, spread) / (positives * negatives))
  return { lower: Math.max(0, area - half), upper: Math.min(1, area + half) }
}

function sampled(rows: readonly DomainRow[], random: () => number): DomainRow[] {
  if (rows.length <= maxSample) return [...rows]
  const step = rows.length / maxSample
  const start = random() * step
  return Array.from({ length: maxSample }, (_, index) => elementAt(rows, Math.floor(start + index * step)))
}

function shuffled(items: number[], random: () => number): number[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

function columnsOf(rows: readonly DomainRow[]): Column[] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].sort()
  let offset = 0
  return names.map((name): Column => {
    const kind = kindOf(rows.map((row) => row[name]))
    const size =
      kind === 'number'
        ? 2
        : kind === 'vector'
          ? vectorSize(rows, name)
          : kind === 'text'
            ? textBuckets
            : categoryBuckets
    const column = { name, kind, offset, size }
    offset += size
    return column
  })
}

function vectorSize(rows: readonly DomainRow[], name: string): number {
  return rows.reduce((largest, row) => Math.max(largest, Array.isArray(row[name]) ? row[name].length : 0), 0)
}

function kindOf(values: unknown[]): Column['kind'] {
  const known = values.filter((value) => value !== null && value !== undefined)
  if (known.some((value) => Array.isArray(value))) return 'vector'
  if (known.every((value) => typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'))
    return 'number'
  const words = known.map((value) => wordsOf(String(value)).length)
  return mean(words) >= longText ? 'text' : 'category'
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}

function sizeOf(columns: readonly Column[]): number {
  const last = columns.at(-1)
  return last ? last.offset + last.size : 0
}

function encode(rows: readonly DomainRow[], columns: readonly Column[]): SparseRow[] {
  const encoded = rows.map((): SparseRow => ({ index: [], value: [] }))
  const put = (row: number, index: number, value: number) => {
    elementAt(encoded, row).index.push(index)
    elementAt(encoded, row).value.push(value)
  }
  for (const { name, kind, offset, size } of columns) {
    if (kind === 'number') {
      const scaled = standardised(rows.map((row) => numberOf(row[name])))
      for (const [row, value] of scaled.entries())
        put(row, Number.isNaN(value) ? offset + 1 : offset, Number.isNaN(value) ? 1 : value)
    } else if (kind === 'vector') {
      for (let part = 0; part < size; part++) {
        const scaled = standardised(rows.map((row) => numberOf(Array.isArray(row[name]) ? row[name][part] : null)))
        for (const [row, value] of scaled.entries()) if (!Number.isNaN(value)) put(row, offset + part, value)
      }
    } else {
      for (const [row, content] of rows.entries()) {
        const value = content[name]
        const parts = kind === 'text' ? wordsOf(String(value ?? '')) : [String(value)]
        const share = 1 / Math.sqrt(Math.max(1, parts.length))
        for (const part of parts) put(row, offset + Math.floor(hashUnit(`${name}/${part}`) * size), share)
      }
    }
  }
  return encoded
}

function numberOf(value: unknown): number {
  const number = typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : Number.NaN
}

/** In standard deviations, cut at five: one wild value must not be the whole answer. */
function standardised(values: number[]): number[] {
  const known = values.filter((value) => !Number.isNaN(value))
  const [center, spread] = [mean(known), Math.sqrt(variance(known, 0))]
  return values.map((value) => (spread > 0 ? Math.max(-5, Math.min(5, (value - center) / spread)) : value - center))
}

type Model = { weights: Float64Array; intercept: number }

/** Logistic regression by stochastic gradients whose steps shrink per weight (AdaGrad). */
function train(rows: readonly SparseRow[], labels: readonly number[], order: readonly number[], size: number): Model {
  const model = { weights: new Float64Array(size), intercept: 0 }
  const seen = new Float64Array(size).fill(1e-8)
  let seenIntercept = 1e-8
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const item of order) {
      const row = elementAt(rows, item)
      const error = 1 / (1 + Math.exp(-score(model, row))) - elementAt(labels, item)
      for (const [place, index] of row.index.entries()) {
        const weight = model.weights[index] ?? 0
        const gradient = error * elementAt(row.value, place) + shrink * weight
        seen[index] = (seen[index] ?? 0) + gradient * gradient
        model.weights[index] = weight - (step * gradient) / Math.sqrt(seen[index] ?? 1)
      }
      seenIntercept += error * error
      model.intercept -= (step * error) / Math.sqrt(seenIntercept)
    }
  }
  return model
}

function score({ weights, intercept }: Model, { index, value }: SparseRow): number {
  let total = intercept
  for (const [place, at] of index.entries()) total += (weights[at] ?? 0) * elementAt(value, place)
  return total
}

function sharesOf(columns: readonly Column[], weight: Float64Array): DomainDrift['columns'] {
  const sums = columns.map(({ name, offset, size }) => ({
    column: name,
    share: Math.max(0, ...weight.subarray(offset, offset + size)),
  }))
  const total = sums.reduce((sum, { share }) => sum + share, 0)
  return sums
    .map(({ column, share }) => ({ column, share: total > 0 ? share / total : 0 }))
    .sort((a, b) => b.share - a.share)
}
