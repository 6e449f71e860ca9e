import { AppError } from '../errors.ts'
import { findSeparator, saidSeparator, separatorOf, separatorOfHeader, withoutFirstLine } from './dialect.ts'
import { type Guess, guessedType, narrow, openGuess } from './guess.ts'
import { columnNames } from './names.ts'
import { BrokenCsv, type CsvRecord, csvReader, type Field } from './records.ts'
import { addProblem, noProblems, type Problems, refuseProblems } from './refusals.ts'
import type { Row, Table, TableOptions } from './table.ts'
import { type ColumnType, isMissingText, isRefusal, type TimeReader, toDeclared } from './values.ts'

const quote = '"'
const batchRows = 1_000

type Column = {
  name: string
  index: number
  declared: ColumnType | undefined
  point: Guess
  comma: Guess
  thousands: boolean
}

/** Reads a CSV twice: once to find its dialect and types and to look at every value, once to hand its rows on. */
export async function openCsv(
  given: () => AsyncIterable<string>,
  options: TableOptions & { shown: string; readTime: TimeReader },
): Promise<Table> {
  const { shown, readTime, types = new Map(), lenient = false, onBroken } = options
  const directive = await saidSeparator(given())
  const text = directive === undefined ? given : () => withoutFirstLine(given())
  const said = options.separator === undefined ? directive : separatorOf(options.separator)
  const found = () => findSeparator(text(), { shown, quote })
  const separator = said ?? (await (onBroken === undefined ? found() : found().catch(() => separatorOfHeader(text()))))
  const all = () => readRecords(text(), { separator, shown })
  const records = onBroken === undefined ? all : () => wholeRecords(all())
  const surveyed = await survey(onBroken === undefined ? all() : wholeRecords(all(), onBroken), { shown, types })
  const decimal = options.decimal ?? decimalOf(surveyed.columns, { separator, shown })
  const kinds = new Map(
    surveyed.columns.map((column) => [
      column.name,
      column.declared ?? guessedType(decimal === ',' ? column.comma : column.point),
    ]),
  )

  function rowOf({ fields }: CsvRecord, number: number, problems: Problems): Row {
    const row: [string, unknown][] = []
    for (const { name, index, declared } of surveyed.columns) {
      const field = fields[index] ?? { text: '', quoted: false }
      const type = kinds.get(name) ?? 'string'
      const value = cellOf(field, type, decimal)
      if (value === undefined) {
        row.push([name, null])
        continue
      }
      const read = type === 'string' ? value : toDeclared(value, type, readTime)
      if (isRefusal(read) && !lenient) {
        addProblem(problems, {
          row: number,
          column: name,
          value: field.text,
          rule: refusalOf(read.rule, declared),
          fix: read.fix,
        })
        continue
      }
      row.push([name, isRefusal(read) ? field.text : read])
    }
    return Object.fromEntries(row)
  }

  async function check(): Promise<void> {
    if (lenient || surveyed.columns.every(({ declared }) => declared === undefined || declared === 'string')) return
    const problems = noProblems()
    let number = 0
    for await (const record of skipHeader(records())) rowOf(record, ++number, problems)
    refuseProblems(problems, shown)
  }

  await check()
  return {
    columns: surveyed.columns.map(({ name }) => name),
    types: kinds,
    rows: surveyed.rows,
    notes: [...surveyed.notes, ...notesOf({ separator, decimal, columns: surveyed.columns, kinds, options })],
    written: {
      separator,
      async *records() {
        for await (const { fields } of records()) yield fields.slice(0, surveyed.columns.length)
      },
    },
    async *read() {
      let batch: Row[] = []
      let number = 0
      for await (const record of skipHeader(records())) {
        batch.push(rowOf(record, ++number, noProblems()))
        if (batch.length < batchRows) continue
        yield batch
        batch = []
      }
      if (batch.length > 0) yield batch
    },
  }
}

function refusalOf(rule: string, declared: ColumnType | undefined): string {
  return declared === undefined ? rule : `${rule}, as the column is declared`
}

/** The text of a cell; undefined where it is missing. In a column of text only an empty cell without quotes is. */
function cellOf({ text, quoted }: Field, type: ColumnType, decimal: string): string | undefined {
  if (text === '' && !quoted) return undefined
  if (type === 'string') return text
  if (isMissingText(text)) return undefined
  return type === 'number' && decimal === ',' ? pointed(text) : text
}

async function* readRecords(
  chunks: AsyncIterable<string>,
  { separator, shown }: { separator: string; shown: string },
): AsyncGenerator<CsvRecord> {
  const reader = csvReader({ separator, quote })
  try {
    for await (const chunk of chunks) yield* reader.push(chunk)
    yield* reader.end()
  } catch (error) {
    if (!(error instanceof BrokenCsv)) throw error
    throw new AppError('invalid_file', `${shown}, line ${error.line}: ${error.message}.`, { name: shown, cause: error })
  }
}

/** Records with as many fields as the header; the others are told of. */
async function* wholeRecords(
  records: AsyncIterable<CsvRecord>,
  onBroken: (row: number, why: string) => void = () => undefined,
): AsyncGenerator<CsvRecord> {
  let width: number | undefined
  let row = 0
  for await (const record of records) {
    width ??= record.fields.length
    if (record.fields.length === width) yield record
    else onBroken(row, `has ${record.fields.length} fields, the header has ${width}`)
    row += 1
  }
}

async function* skipHeader(records: AsyncIterable<CsvRecord>): AsyncGenerator<CsvRecord> {
  let first = true
  for await (const record of records) {
    if (!first) yield record
    first = false
  }
}

type Survey = { columns: Column[]; rows: number; notes: string[] }

async function survey(
  records: AsyncIterable<CsvRecord>,
  { shown, types }: { shown: string; types: ReadonlyMap<string, ColumnType> },
): Promise<Survey> {
  let header: string[] | undefined
  let columns: Column[] = []
  let rows = 0
  for await (const { fields, line } of records) {
    if (header === undefined) {
      header = fields.map(({ text }) => text)
      columns = header.map((_, index) => ({
        name: '',
        index,
        declared: undefined,
        point: openGuess(),
        comma: openGuess(),
        thousands: true,
      }))
      continue
    }
    if (fields.length !== header.length) {
      throw new AppError(
        'invalid_file',
        `${shown}, line ${line} has ${fields.length} fields, the header has ${header.length}.`,
        { name: shown },
      )
    }
    rows += 1
    for (const column of columns) look(column, fields[column.index] ?? { text: '', quoted: false })
  }
  if (header === undefined) throw new AppError('invalid_file', `${shown} is empty.`, { name: shown })
  const used = withoutEmptyEnd(header, columns)
  const { names, notes } = columnNames(
    used.map((column) => header?.[column.index] ?? ''),
    shown,
  )
  const named = used.map((column, position): Column => {
    const name = names[position] ?? ''
    return { ...column, name, declared: types.get(name) }
  })
  const dropped = used.length < columns.length ? ['the last column has no name and no values, and was left out'] : []
  return { columns: named, rows, notes: [...notes, ...dropped] }
}

/** A separator at the end of every line makes a last column without a name and without values. */
function withoutEmptyEnd(header: readonly string[], columns: Column[]): Column[] {
  const last = columns.at(-1)
  if (columns.length < 2 || !last || header[last.index]?.trim() !== '' || last.point.seen) return columns
  return columns.slice(0, -1)
}

function look(column: Column, { text, quoted }: Field): void {
  narrow(column.point, text, quoted)
  narrow(column.comma, pointed(text), quoted)
  if (text.includes(',') && !/^-?\d{1,3}(,\d{3})+$/.test(text)) column.thousands = false
}

/** A number with a decimal comma as one with a point; a point in it is no decimal, and so it is no number. */
function pointed(text: string): string {
  return text.includes('.') ? `${text} ` : text.replace(',', '.')
}

/** The decimal mark: a comma where a column is one of numbers with it and not without it, and no column has points. */
function decimalOf(columns: readonly Column[], { separator, shown }: { separator: string; shown: string }): ',' | '.' {
  if (separator === ',') return '.'
  const numeric = columns.filter(({ declared }) => declared === undefined || declared === 'number')
  const withComma = numeric.filter(
    ({ point, comma }) => point.because !== undefined && comma.because === undefined && comma.seen,
  )
  if (withComma.length === 0) return '.'
  const unsure = withComma.find(({ thousands, declared }) => thousands && declared === 'number')
  const sure = withComma.some(({ thousands }) => !thousands)
  if (!sure && unsure === undefined) return '.'
  const points = numeric.find(
    ({ point }) => point.seen && !point.integer && point.because === undefined && !point.boolean,
  )
  if (sure && points === undefined) return ','
  const why = sure
    ? `column "${points?.name}" has decimal points and "${withComma[0]?.name}" decimal commas`
    : `"1,234" in column "${unsure?.name}" may be one thousand or a decimal`
  throw new AppError('invalid_file', `${shown}: ${why}.`, {
    name: unsure?.name ?? points?.name,
    hint: 'Say which with --decimal , or --decimal .',
  })
}

type Findings = {
  separator: string
  decimal: string
  columns: readonly Column[]
  kinds: ReadonlyMap<string, ColumnType>
  options: TableOptions
}

/** What was found and not said by anybody, in one line each. */
function notesOf({ separator, decimal, columns, kinds, options }: Findings): string[] {
  const notes: string[] = []
  if (options.separator === undefined && separator !== ',')
    notes.push(`separator ${separator === '\t' ? 'tab' : `"${separator}"`}`)
  if (options.decimal === undefined && decimal === ',') notes.push('decimal comma')
  const guessed = columns.filter(({ declared }) => declared === undefined)
  const said = guessed.map(({ name, point }) => {
    const type = kinds.get(name) ?? 'string'
    const why = type === 'string' && point.because && point.because.why !== 'text' ? ` (${point.because.why})` : ''
    return `${name}: ${type === 'string' ? 'text' : type}${why}`
  })
  if (said.length > 0) notes.push(said.join(', '))
  return notes
}
