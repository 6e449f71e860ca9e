import { identifier, type Lake } from '../../../core/lake.ts'
import type { ColumnKind, CompatResult } from '../../../core/stats/evidently-nannyml.ts'

type Input = { tables: { reference: string; current: string }; column: string; kind: ColumnKind }
type LargeColumnDrift = Pick<CompatResult, 'test' | 'value' | 'threshold' | 'drifted'> & {
  /** How far `value` can be from the exact one. */
  bound: number
}

const bins = 2 ** 16
const distanceThreshold = 0.1
const fewValues = 5

/**
 * Evidently's tests of large references (normed Wasserstein, Jensen-Shannon) without holding the values in memory: DuckDB
 * counts them in fine bins, in two passes over each file. Undefined where only the exact test can decide: for a numeric
 * column with few values, and for a distance so close to the threshold that the bins cannot tell.
 */
export async function largeColumn(lake: Lake, { tables, column, kind }: Input): Promise<LargeColumnDrift | undefined> {
  return kind === 'numeric' ? wasserstein(lake, tables, column) : await shannon(lake, tables, column)
}

async function wasserstein(lake: Lake, tables: Input['tables'], column: string): Promise<LargeColumnDrift | undefined> {
  const value = `${identifier(column)}::double`
  const finite = `isfinite(${value})`
  const summary = async (table: string) => {
    const [row] = await lake.query(
      `select count(*) as n, min(${value}) as low, max(${value}) as high, stddev_pop(${value}) as deviation,
         approx_count_distinct(${value}) as u from ${table} where ${finite}`,
    )
    const number = (name: string) => Number(row?.[name])
    return {
      n: number('n'),
      low: number('low'),
      high: number('high'),
      deviation: number('deviation'),
      distinct: number('u'),
    }
  }
  const [before, now] = [await summary(tables.reference), await summary(tables.current)]
  if (before.n <= 1_000 || now.n === 0 || Math.max(before.distinct, now.distinct) <= 2 * fewValues) return undefined
  const [low, high] = [Math.min(before.low, now.low), Math.max(before.high, now.high)]
  const width = (high - low) / bins
  if (!(width > 0) || !Number.isFinite(width)) return undefined
  const counts = async (table: string) => {
    const found = new Float64Array(bins)
    const rows = await lake.query(
      `select least(${bins - 1}, floor((${value} - $1) / $2))::integer as bin, count(*) as n from ${table} where ${finite} group by bin`,
      [low, width],
    )
    for (const row of rows) found[Number(row['bin'])] = Number(row['n'])
    return found
  }
  const [first, second] = [await counts(tables.reference), await counts(tables.current)]
  let [ahead, area] = [0, 0]
  for (let bin = 0; bin < bins; bin++) {
    const next = ahead + (first[bin] ?? 0) / before.n - (second[bin] ?? 0) / now.n
    // Within a bin both distribution functions are taken as straight lines.
    area +=
      (width * (ahead * next >= 0 ? Math.abs(ahead + next) : (ahead * ahead + next * next) / Math.abs(ahead - next))) /
      2
    ahead = next
  }
  const scale = Math.max(before.deviation, 0.001)
  const [distance, bound] = [area / scale, width / scale]
  if (Math.abs(distance - distanceThreshold) <= bound) return undefined
  const test = 'Wasserstein distance (normed)'
  return { test, value: distance, threshold: distanceThreshold, drifted: distance >= distanceThreshold, bound }
}

/** Exact for any number of categories: DuckDB counts and joins them. */
async function shannon(lake: Lake, tables: Input['tables'], column: string): Promise<LargeColumnDrift | undefined> {
  const name = identifier(column)
  const counts = (table: string) =>
    `select ${name} as v, count(*)::double as n from ${table} where ${name} is not null group by v`
  const [row] = await lake.query(`
    with a as (${counts(tables.reference)}), b as (${counts(tables.current)}),
      totals as (select (select sum(n) from a) as n, (select sum(n) from b) as m),
      shares as (
        select coalesce(a.n, 0) / totals.n as p, coalesce(b.n, 0) / totals.m as q
        from (a full join b on a.v = b.v) cross join totals)
    select sum(case when p > 0 then p * ln(p / ((p + q) / 2)) else 0 end + case when q > 0 then q * ln(q / ((p + q) / 2)) else 0 end) as js,
      (select n from totals) as n, (select m from totals) as m from shares`)
  if (!(Number(row?.['n']) > 1_000) || !(Number(row?.['m']) > 0)) return undefined
  const value = Math.sqrt(Math.max(0, Number(row?.['js']) / 2))
  return {
    test: 'Jensen-Shannon distance',
    value,
    threshold: distanceThreshold,
    drifted: value >= distanceThreshold,
    bound: 0,
  }
}
