import { identifier, type Lake } from '../../../core/lake.ts'
import { type MissingCount, type MissingShare, missingShares } from '../../../core/stats/missing-share.ts'

type Input = {
  tables: { reference: string; current: string }
  columns: readonly string[]
  types: { reference: ReadonlyMap<string, string>; current: ReadonlyMap<string, string> }
}
type Counts = { reference: MissingCount; now: MissingCount }

/** How many values of each column are missing, or are no number in a column of fractions, in one pass over each file. */
export async function countMissing(
  lake: Lake,
  { tables, columns, types }: Input,
): Promise<{ counts: Map<string, Counts>; shares: ({ column: string } & MissingShare)[] }> {
  const reference = await countsOf(lake, tables.reference, columns, types.reference)
  const current = await countsOf(lake, tables.current, columns, types.current)
  const none: MissingCount = { missing: 0, n: 0 }
  const counts = columns.map((column) => ({
    reference: reference.get(column) ?? none,
    now: current.get(column) ?? none,
  }))
  const shares = missingShares(counts).flatMap((share, index) =>
    share ? [{ column: columns[index] ?? '', ...share }] : [],
  )
  return {
    counts: new Map(columns.map((column, index) => [column, counts[index] ?? { reference: none, now: none }])),
    shares,
  }
}

const fractions = /^(DOUBLE|FLOAT)$/

async function countsOf(
  lake: Lake,
  table: string,
  columns: readonly string[],
  types: ReadonlyMap<string, string>,
): Promise<Map<string, MissingCount>> {
  if (columns.length === 0) return new Map()
  const selected = columns.map((column, index) => {
    const name = identifier(column)
    const usable = fractions.test(types.get(column) ?? '')
      ? `${name} is not null and isfinite(${name})`
      : `${name} is not null`
    return `count(*) filter (where ${usable}) as c${index}`
  })
  const [row] = await lake.query(`select count(*) as n, ${selected.join(', ')} from ${table}`)
  const n = Number(row?.['n'])
  return new Map(columns.map((column, index) => [column, { missing: n - Number(row?.[`c${index}`]), n }]))
}
