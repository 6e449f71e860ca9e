import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { exactJson } from '../json/json.ts'
import { identifier, type Lake, literal } from '../lake.ts'
import type { Table } from './table.ts'
import type { ColumnType } from './values.ts'

/** What the values of one column are, in constant space. */
type ColumnValues = { kinds: Set<string>; least: bigint; greatest: bigint }

const signed = { least: -(2n ** 63n), greatest: 2n ** 63n - 1n }

/**
 * Hands a table to the analytic engine as a Parquet file: values and types are those that the reader found, so that no
 * second reader guesses anew. Rows keep their order. Returns the rows that were written.
 */
export async function writeTable(lake: Lake, table: Table, path: string): Promise<number> {
  const lines = `${path}.jsonl`
  const found = new Map(table.columns.map((name) => [name, nothingFound()]))
  try {
    await writeLines(table, lines, found)
    const columns = table.columns.map(
      (name) => `${literal(name)}: ${literal(engineType(found.get(name) ?? nothingFound(), table.types.get(name)))}`,
    )
    const source = `read_json(${literal(lines)}, format = 'newline_delimited', columns = {${columns.join(', ')}})`
    const selected = table.columns.map((name) => identifier(name)).join(', ')
    return await lake.writeParquet(path, `select ${selected} from ${source}`)
  } finally {
    await rm(lines, { force: true })
  }
}

const nothingFound = (): ColumnValues => ({ kinds: new Set(), least: 0n, greatest: 0n })

async function writeLines(table: Table, path: string, found: ReadonlyMap<string, ColumnValues>): Promise<void> {
  const file = createWriteStream(path)
  for await (const rows of table.read()) {
    for (const row of rows) for (const [name, value] of Object.entries(row)) look(found.get(name), value)
    if (!file.write(rows.map((row) => `${exactJson(row)}\n`).join(''))) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}

function look(found: ColumnValues | undefined, value: unknown): void {
  if (!found || value === null || value === undefined) return
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) {
    found.kinds.add(isVector(value) ? 'vector' : typeof value)
    return
  }
  found.kinds.add('integer')
  const exact = BigInt(value as bigint | number)
  if (exact < found.least) found.least = exact
  if (exact > found.greatest) found.greatest = exact
}

function isVector(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}

/** The engine's type that holds every value of a column as it is; a mixture stays JSON. */
function engineType({ kinds, least, greatest }: ColumnValues, type: ColumnType | undefined): string {
  if (type === 'time') return 'TIMESTAMP'
  if (kinds.size === 0) return type === 'number' ? 'DOUBLE' : type === 'integer' ? 'BIGINT' : 'VARCHAR'
  if (kinds.size === 1 && kinds.has('string')) return 'VARCHAR'
  if (kinds.size === 1 && kinds.has('boolean')) return 'BOOLEAN'
  if (kinds.size === 1 && kinds.has('vector')) return 'DOUBLE[]'
  const numeric = [...kinds].every((kind) => kind === 'integer' || kind === 'number')
  if (!numeric) return 'JSON'
  if (kinds.has('number') || type === 'number') return 'DOUBLE'
  if (least >= signed.least && greatest <= signed.greatest) return 'BIGINT'
  return least >= 0n ? 'UBIGINT' : 'DECIMAL(38,0)'
}
