import { AppError } from '../errors.ts'
import { parseExactJson, repeatedName } from '../json/json.ts'
import { declaredRow } from './declared-rows.ts'
import { readText } from './encoding.ts'
import { columnNames } from './names.ts'
import { noProblems, type Problems, refuseProblems } from './refusals.ts'
import type { Row, Table, TableOptions } from './table.ts'
import type { TimeReader } from './values.ts'

const batchRows = 1_000

/** Reads JSON lines twice: once to look at every row, once to hand them on. */
export async function openJsonLines(
  path: string,
  {
    shown,
    readTime,
    types = new Map(),
    encoding,
    lenient,
    onBroken,
  }: TableOptions & { shown: string; readTime: TimeReader },
): Promise<Table> {
  const silent = onBroken && (() => undefined)

  async function* rowsOf(problems: Problems, onBroken: TableOptions['onBroken'] = silent): AsyncGenerator<Row> {
    let number = 0
    for await (const row of parsed(lines(readText({ path, shown, encoding })), shown, onBroken))
      yield declaredRow(row, { number: ++number, types, readTime, problems, lenient })
  }

  const columns = new Set<string>()
  const problems = noProblems()
  let rows = 0
  for await (const row of rowsOf(problems, onBroken)) {
    rows += 1
    for (const name of Object.keys(row)) columns.add(name)
  }
  refuseProblems(problems, shown)
  refuseLookalikes([...columns], shown)
  return {
    columns: [...columns],
    types,
    rows,
    notes: [],
    async *read() {
      let batch: Row[] = []
      for await (const row of rowsOf(noProblems())) {
        batch.push(row)
        if (batch.length < batchRows) continue
        yield batch
        batch = []
      }
      if (batch.length > 0) yield batch
    },
  }
}

/** Names of JSON are keys already: nothing is trimmed, and what could not be told apart is refused as in a CSV. */
function refuseLookalikes(columns: string[], shown: string): void {
  const untrimmed = columns.find((name) => name !== name.trim())
  if (untrimmed !== undefined)
    throw new AppError('invalid_file', `${shown} has the column "${untrimmed}", with blanks around its name.`, {
      name: untrimmed,
    })
  columnNames(columns, shown)
}

async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const parts = `${rest}${chunk}`.split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
  yield rest
}

async function* parsed(
  texts: AsyncIterable<string>,
  shown: string,
  onBroken: TableOptions['onBroken'],
): AsyncGenerator<Row> {
  let [line, number] = [0, 0]
  for await (const text of texts) {
    line += 1
    if (text.trim() === '') continue
    number += 1
    const place = `${shown}, line ${line}`
    const row = onBroken ? rowOrNothing(text, { place, shown }, number, onBroken) : rowOf(text, place, shown)
    if (row !== undefined) yield row
  }
}

function rowOrNothing(
  text: string,
  { place, shown }: { place: string; shown: string },
  number: number,
  onBroken: NonNullable<TableOptions['onBroken']>,
): Row | undefined {
  try {
    return rowOf(text, place, shown)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    onBroken(number, error.message.slice(place.length + 1).replace(/\.$/, ''))
    return undefined
  }
}

function rowOf(text: string, place: string, name: string): Row {
  let row: unknown
  try {
    row = parseExactJson(text)
  } catch (cause) {
    throw new AppError('invalid_file', `${place} is not JSON.`, { name, cause })
  }
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) {
    const twice = repeatedName(text, row)
    if (twice === undefined) return row as Row
    throw new AppError('invalid_file', `${place} has the column "${twice}" twice.`, {
      name: twice,
      hint: 'Leave one of its values out.',
    })
  }
  throw new AppError('invalid_file', `${place} is not an object.`, {
    name,
    hint: 'Each line is one row: {"id": "a", "late": 1}.',
  })
}
