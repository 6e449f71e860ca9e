import { AppError } from '../errors.ts'
import { exactInteger } from '../json/json.ts'
import { identifier, type Lake, literal, openLake } from '../lake.ts'
import { isoOf } from '../time.ts'
import { declaredRow } from './declared-rows.ts'
import { columnNames } from './names.ts'
import { addProblem, noProblems, type Problems, refuseProblems } from './refusals.ts'
import type { Row, Table, TableOptions } from './table.ts'
import type { ColumnType, TimeReader } from './values.ts'

const batchRows = 1_000

type Column = { name: string; sql: string; type: ColumnType }

/** How a type of Parquet, as DuckDB names it, is read: as a column type, by an expression that loses nothing. */
const readings: [RegExp, ColumnType, (column: string) => string][] = [
  [/^(VARCHAR|ENUM.*|UUID)$/, 'string', (column) => `${column}::varchar`],
  [/^BOOLEAN$/, 'boolean', (column) => column],
  [/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/, 'integer', (column) => `${column}::varchar`],
  [/^DECIMAL\(\d+,0\)$/, 'integer', (column) => `${column}::varchar`],
  [/^DECIMAL/, 'number', (column) => `${column}::varchar`],
  [/^(FLOAT|DOUBLE)$/, 'number', (column) => `${column}::double`],
  [/^DATE$/, 'time', (column) => `epoch_us(${column}::timestamp)::varchar`],
  [/^TIMESTAMP/, 'time', (column) => `epoch_us(${column})::varchar`],
]

/** Reads a Parquet file by pages, twice: once to look at every value, once to hand the rows on. */
export async function openParquet(
  path: string,
  { shown, readTime, types = new Map(), lenient }: TableOptions & { shown: string; readTime: TimeReader },
): Promise<Table> {
  const lake = openLake()
  try {
    const columns = await columnsOf(lake, path, shown)
    columnNames(
      columns.map(({ name }) => name),
      shown,
    )
    const problems = noProblems()
    let rows = 0
    for await (const batch of pages(lake, { path, columns, problems, types, readTime, lenient })) rows += batch.length
    refuseProblems(problems, shown)
    return {
      columns: columns.map(({ name }) => name),
      types: new Map(columns.map(({ name, type }) => [name, types.get(name) ?? type])),
      rows,
      notes: [],
      async *read() {
        const own = openLake()
        try {
          yield* pages(own, { path, columns, problems: noProblems(), types, readTime, lenient })
        } finally {
          own.close()
        }
      },
    }
  } finally {
    lake.close()
  }
}

async function columnsOf(lake: Lake, path: string, shown: string): Promise<Column[]> {
  const described = await lake
    .query(`describe select * from read_parquet(${literal(path)})`)
    .catch((cause: unknown) => {
      throw new AppError('invalid_file', `${shown} is not a Parquet file that can be read.`, { name: shown, cause })
    })
  return described.map((row) => {
    const [name, found] = [String(row['column_name']), String(row['column_type'])]
    const reading = readings.find(([pattern]) => pattern.test(found))
    if (!reading)
      throw new AppError(
        'invalid_file',
        `${shown}: the column "${name}" holds ${found}, which is not a single value.`,
        {
          name,
          hint: 'Write it as columns of numbers, texts, booleans or times.',
        },
      )
    return { name, type: reading[1], sql: reading[2](identifier(name)) }
  })
}

type ParquetRead = {
  path: string
  columns: Column[]
  problems: Problems
  types: ReadonlyMap<string, ColumnType>
  readTime: TimeReader
  lenient: boolean | undefined
}

async function* pages(
  lake: Lake,
  { path, columns, problems, types, readTime, lenient }: ParquetRead,
): AsyncGenerator<Row[]> {
  const selected = columns.map(({ name, sql }) => `${sql} as ${identifier(name)}`).join(', ')
  for (let from = 0; ; from += batchRows) {
    const found = await lake.query(
      `select ${selected} from read_parquet(${literal(path)}, file_row_number = true)
        where file_row_number >= ${from} and file_row_number < ${from + batchRows} order by file_row_number`,
    )
    if (found.length === 0) return
    yield found.map((row, index) => {
      const number = from + index + 1
      const read = columns.map(({ name, type }): [string, unknown] => [
        name,
        cell(row[name], { type, column: name, number, problems }),
      ])
      return declaredRow(Object.fromEntries(read), { number, types, readTime, problems, lenient })
    })
    if (found.length < batchRows) return
  }
}

type Place = { type: ColumnType; column: string; number: number; problems: Problems }

/** What DuckDB hands over as text so that no digit is lost, as the value that it is. */
function cell(value: unknown, { type, column, number, problems }: Place): unknown {
  if (value === null || value === undefined) return null
  const refuse = (rule: string) => {
    addProblem(problems, { row: number, column, value, rule })
    return null
  }
  if (type === 'integer') return exactInteger(String(value)) ?? refuse('does not fit into 64 bits')
  if (type === 'time') {
    const micros = BigInt(String(value))
    return micros % 1_000n === 0n ? isoOf(Number(micros / 1_000n)) : refuse('is finer than milliseconds')
  }
  if (type === 'number' && typeof value === 'string') {
    const plain = value.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
    return String(Number(value)) === plain ? Number(value) : refuse('has more digits than a number holds')
  }
  return typeof value === 'number' && Number.isNaN(value) ? null : value
}
