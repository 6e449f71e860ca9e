import { normalQuantile } from '../../../core/stats/distributions.ts'
import { wilsonInterval } from '../../../core/stats/intervals.ts'
import { domainAuc, noveltyOf } from '../../../core/stats/population-shift.ts'
import { ascending, mean, sum, variance } from '../../../core/stats/summary.ts'
import { formatNumber, type IntervalEstimate } from '../rules.ts'

type Value = number | string | null
type Row = Record<string, Value>

export type Population = {
  /** Rows of production: request fields and features by name, with the answer. */
  rows: { inputs: Row; output: Value }[]
  from: string
  to: string
}

export type RepresentativenessInput = {
  /** Golden items as the model reads them, with the columns of the slices. */
  items: Row[]
  population: Population | null
  slices: string[]
  /** The score of each item, for metrics that are means of items. */
  parts: number[] | null
  margin: number
  /** The age of each item in days; empty when it is not known. */
  ages: number[]
  overlap: { shared: number; of: number } | null
  /** Scores of the live version on golden items, and on what it answered in production since. */
  fresh: { metric: string; golden: number[]; production: number[] } | null
}

const minItems = 5
const shownCells = 10
const maxBins = 3
const maxCompared = 2000

export type Representativeness = {
  population: { from: string; to: string; n: number } | null
  coverage: {
    by: string[]
    fewest: number
    share: number
    uncovered: { cell: string; traffic: number; items: number }[]
  } | null
  weighted: { value: number; raw: number; effectiveItems: number; missing: number } | null
  domainAuc: (IntervalEstimate & { n: number }) | null
  novelty: (IntervalEstimate & { n: number }) | null
  age: { medianDays: number; under90Days: number } | null
  overlap: { shared: number; of: number } | null
  fresh: (IntervalEstimate & { metric: string; n: number; golden: number; production: number; stale: boolean }) | null
  warnings: string[]
}

/** Is the golden set still like production? What cannot be known is null, and a warning says so. */
export function representativenessOf(input: RepresentativenessInput): Representativeness {
  const { items, population, ages, overlap } = input
  const rows = population?.rows ?? []
  const production = rows.map(({ inputs }) => inputs)
  const names = sharedNames(items, production)
  const cells = rows.length === 0 ? undefined : cellsOf(input, rows, names)
  const [some, others] = [evenSample(items), evenSample(production)]
  const domain = domainAuc(some, others, names)
  const novelty = noveltyOf(some, others, names)
  const found: Omit<Representativeness, 'warnings'> = {
    population: population && { from: population.from, to: population.to, n: rows.length },
    coverage: cells ? coverageOf(cells) : null,
    weighted: cells && input.parts ? weightedOf(cells, input.parts) : null,
    domainAuc: domain && { ...domain, n: others.length },
    novelty: novelty && { value: novelty.share, ...wilsonInterval(novelty.novel, novelty.n), n: novelty.n },
    age: ages.length === 0 ? null : ageOf(ages),
    overlap,
    fresh: input.fresh && freshOf(input.fresh),
  }
  return { ...found, warnings: warningsOf(found, input) }
}

/** Distances are computed between all pairs, so large sets are reduced to an evenly spread sample. */
function evenSample(rows: Row[]): Row[] {
  if (rows.length <= maxCompared) return rows
  return Array.from({ length: maxCompared }, (_, index) => rows[Math.floor((index * rows.length) / maxCompared)] ?? {})
}

function sharedNames(items: Row[], production: Row[]): string[] {
  const known = new Set(production.flatMap((row) => Object.keys(row)))
  return [...new Set(items.flatMap((row) => Object.keys(row)))].filter((name) => known.has(name))
}

type Cells = { by: string[]; ofItems: string[]; ofRows: string[] }
type Axis = { name: string; of: (row: Row) => string }

/**
 * A cell is a combination of slice values and thirds of the numbers that move the answer most. Keys are added in that order as
 * long as the set has enough items to fill every cell that production uses.
 */
function cellsOf({ items, slices }: RepresentativenessInput, rows: Population['rows'], names: string[]): Cells {
  const axes: Axis[] = [
    ...slices
      .filter((name) => names.includes(name))
      .map((name) => ({ name, of: (row: Row) => String(row[name] ?? null) })),
    ...topNumbers(rows, names).map((name) => binned(name, rows)),
  ]
  const chosen: Axis[] = []
  const cellOf = (row: Row, by: Axis[]) => by.map(({ name, of }) => `${name}=${of(row)}`).join(' ')
  for (const axis of axes) {
    const next = [...chosen, axis]
    const used = new Set(rows.map(({ inputs }) => cellOf(inputs, next))).size
    if (used * minItems <= items.length) chosen.push(axis)
  }
  return {
    by: chosen.map(({ name }) => name),
    ofItems: items.map((item) => cellOf(item, chosen)),
    ofRows: rows.map(({ inputs }) => cellOf(inputs, chosen)),
  }
}

/** The numeric inputs that correlate most with the answer; at most two. */
function topNumbers(rows: Population['rows'], names: string[]): string[] {
  return names
    .map((name) => ({
      name,
      strength: Math.abs(correlation(rows.map(({ inputs, output }) => [inputs[name], output]))),
    }))
    .filter(({ strength }) => strength > 0)
    .sort((a, b) => b.strength - a.strength || (a.name < b.name ? -1 : 1))
    .slice(0, 2)
    .map(({ name }) => name)
}

function correlation(pairs: [Value | undefined, Value][]): number {
  const numbers = pairs
    .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y))
    .map(([x, y]) => [Number(x), Number(y)])
  const [xs, ys] = [numbers.map(([x = 0]) => x), numbers.map(([, y = 0]) => y)]
  const [centerX, centerY] = [mean(xs), mean(ys)]
  const product = mean(numbers.map(([x = 0, y = 0]) => (x - centerX) * (y - centerY)))
  const spread = Math.sqrt(variance(xs, 0) * variance(ys, 0))
  return spread > 0 ? product / spread : 0
}

function binned(name: string, rows: Population['rows']): Axis {
  const sorted = ascending(
    rows.flatMap(({ inputs }) => (typeof inputs[name] === 'number' ? [Number(inputs[name])] : [])),
  )
  const limits = Array.from(
    { length: maxBins - 1 },
    (_, index) => sorted[Math.floor(((index + 1) * sorted.length) / maxBins)] ?? 0,
  )
  const words = (bin: number) =>
    bin === 0 ? `<${formatNumber(limits[0] ?? null)}` : `≥${formatNumber(limits[bin - 1] ?? null)}`
  return {
    name,
    of: (row) => {
      const value = row[name]
      return typeof value === 'number' ? words(limits.filter((limit) => value >= limit).length) : 'missing'
    },
  }
}

function countsOf(cells: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1)
  return counts
}

/** coverage@m: the share of traffic in cells with at least m golden items. */
function coverageOf({ by, ofItems, ofRows }: Cells): NonNullable<Representativeness['coverage']> {
  const items = countsOf(ofItems)
  const all = [...countsOf(ofRows)].map(([cell, count]) => ({
    cell,
    traffic: count / ofRows.length,
    items: items.get(cell) ?? 0,
  }))
  const uncovered = all.filter((cell) => cell.items < minItems)
  return {
    by,
    fewest: minItems,
    share: Math.max(0, 1 - sum(uncovered.map(({ traffic }) => traffic))),
    uncovered: uncovered.sort((a, b) => b.traffic - a.traffic || (a.cell < b.cell ? -1 : 1)).slice(0, shownCells),
  }
}

/** The score that production would see: each item counts by the traffic of its cell. Traffic without items counts as missing. */
function weightedOf({ ofItems, ofRows }: Cells, parts: number[]): Representativeness['weighted'] {
  const [items, rows] = [countsOf(ofItems), countsOf(ofRows)]
  const weights = ofItems.map((cell) => (rows.get(cell) ?? 0) / ofRows.length / (items.get(cell) ?? 1))
  const total = sum(weights)
  if (!(total > 0)) return null
  const value = sum(weights.map((weight, index) => weight * (parts[index] ?? Number.NaN))) / total
  const raw = mean(parts)
  const effectiveItems = total ** 2 / sum(weights.map((weight) => weight ** 2))
  return Number.isFinite(value) && Number.isFinite(raw)
    ? { value, raw, effectiveItems, missing: Math.max(0, 1 - total) }
    : null
}

function ageOf(ages: number[]): NonNullable<Representativeness['age']> {
  const sorted = ascending(ages)
  const middle = sorted.length / 2
  const medianDays = ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
  return { medianDays, under90Days: ages.filter((age) => age < 90).length / ages.length }
}

const minFresh = 100

/** The scores of one version on golden items and on fresh items of production: the set is stale when they differ significantly (Welch, 95 %). */
function freshOf({
  metric,
  golden,
  production,
}: NonNullable<RepresentativenessInput['fresh']>): Representativeness['fresh'] {
  if (production.length < minFresh || golden.length < 2) return null
  const value = mean(golden) - mean(production)
  const error = Math.sqrt(variance(golden) / golden.length + variance(production) / production.length)
  const half = normalQuantile(0.975) * error
  if (!Number.isFinite(value + half)) return null
  const bounds = { value, lower: value - half, upper: value + half }
  const stale = bounds.lower > 0 || bounds.upper < 0
  return { metric, n: production.length, golden: mean(golden), production: mean(production), ...bounds, stale }
}

const minCoverage = 0.8
const alikeAuc = 0.65
const oldDays = 180

function warningsOf(found: Omit<Representativeness, 'warnings'>, { margin, items }: RepresentativenessInput): string[] {
  const { population, coverage, weighted, domainAuc: domain, novelty, age, overlap, fresh } = found
  const percent = (share: number) => `${formatNumber(100 * share)} %`
  return [
    ...(population ? [] : ['no sample of production was recorded yet, so nothing tells whether the set is like it']),
    ...(coverage && coverage.share < minCoverage
      ? [`it covers ${percent(coverage.share)} of traffic; most is missing in ${coverage.uncovered[0]?.cell ?? ''}`]
      : []),
    ...(weighted && weighted.effectiveItems / items.length < 0.5
      ? [`weighted like traffic its ${items.length} items are worth ${formatNumber(weighted.effectiveItems)}`]
      : []),
    ...(weighted && Math.abs(weighted.value - weighted.raw) > margin
      ? [`weighted like traffic the score is ${formatNumber(weighted.value)}, not ${formatNumber(weighted.raw)}`]
      : []),
    ...(domain && (domain.lower ?? 0) > alikeAuc
      ? [`a classifier tells it from production (AUC ${formatNumber(domain.value)}, 0.5 is alike)`]
      : []),
    ...(novelty && (novelty.lower ?? 0) > 0.1
      ? [`${percent(novelty.value ?? 0)} of traffic is like nothing in it (5 % is usual)`]
      : []),
    ...(age && age.medianDays > oldDays
      ? [`half of its items are older than ${formatNumber(age.medianDays)} days`]
      : []),
    ...(overlap && overlap.shared > 0
      ? [`${overlap.shared} of its ${overlap.of} items are rows that the candidate was trained on`]
      : []),
    ...(fresh?.stale
      ? [
          `it is stale: ${fresh.metric} of the live version is ${formatNumber(fresh.golden)} on it and ${formatNumber(fresh.production)} on ${fresh.n} fresh items`,
        ]
      : []),
  ]
}
