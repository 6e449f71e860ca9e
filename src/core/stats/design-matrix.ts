import { mean, variance } from './summary.ts'

type Value = number | string | null | undefined
export type Rows = readonly Readonly<Record<string, Value>>[]

/** Turns rows into numbers; made from some rows, it reads others by the same scale and levels. */
export type Encoder = { columns: string[]; encode(rows: Rows): Float64Array[] }

const maxLevels = 20

/**
 * Numbers are centred and scaled to variance 1 (missing ones at the centre, with a flag of their own), texts become one
 * column for each of the 20 commonest values. The first column is the constant 1.
 */
export function encoderOf(rows: Rows, names: readonly string[]): Encoder {
  const columns: { name: string; of: (value: Value) => number }[] = [{ name: 'constant', of: () => 1 }]
  const sources: string[] = ['']
  const add = (source: string, name: string, of: (value: Value) => number) => {
    sources.push(source)
    columns.push({ name, of })
  }
  for (const name of names) {
    const values = rows.map((row) => row[name])
    const numbers = values.filter((value) => typeof value === 'number' && Number.isFinite(value)) as number[]
    if (values.some((value) => typeof value === 'string')) {
      for (const level of commonest(values)) add(name, `${name}=${level}`, (value) => Number(String(value) === level))
      continue
    }
    const [center, spread] = [mean(numbers), Math.sqrt(variance(numbers))]
    if (spread > 0) add(name, name, (value) => (isNumber(value) ? (value - center) / spread : 0))
    if (numbers.length < values.length) add(name, `${name} is missing`, (value) => Number(!isNumber(value)))
  }
  return {
    columns: columns.map(({ name }) => name),
    encode: (given) => given.map((row) => Float64Array.from(columns, ({ of }, index) => of(row[sources[index] ?? '']))),
  }
}

function isNumber(value: Value): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function commonest(values: readonly Value[]): string[] {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  return [...counts]
    .sort(([a, first], [b, second]) => second - first || (a < b ? -1 : 1))
    .slice(0, maxLevels)
    .map(([level]) => level)
}
