import { AppError, invalidInput } from '../errors.ts'
import { BrokenCsv, type CsvRecord, csvReader } from './records.ts'

/** What every record of a file looks like under one separator. */
type DialectCandidate = {
  separator: string
  reader: ReturnType<typeof csvReader>
  fields: number
  records: number
  /** The first record that does not fit; then this reading is out. */
  misfit: string | undefined
}

const candidates = [',', ';', '\t', '|']
const names: Record<string, string> = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' }

/** The separator under which every record of the text has the same number of fields; refused when none or two do. */
export async function findSeparator(
  chunks: AsyncIterable<string>,
  { shown, quote }: { shown: string; quote: string },
): Promise<string> {
  const readings = candidates.map(
    (separator): DialectCandidate => ({
      separator,
      reader: csvReader({ separator, quote }),
      fields: 0,
      records: 0,
      misfit: undefined,
    }),
  )
  for await (const chunk of chunks) for (const reading of readings) advance(reading, (reader) => reader.push(chunk))
  for (const reading of readings) advance(reading, (reader) => reader.end())
  return chosen(readings, shown)
}

/** Where rows may be broken, the header decides: the separator that makes the most of it. */
export async function separatorOfHeader(chunks: AsyncIterable<string>): Promise<string> {
  const readers = candidates.map((separator) => ({ separator, reader: csvReader({ separator, quote: '"' }) }))
  for await (const chunk of chunks) {
    const widths = readers.map(({ separator, reader }) => ({ separator, header: reader.push(chunk)[0] }))
    if (widths[0]?.header === undefined) continue
    const width = ({ header }: (typeof widths)[number]) => header?.fields.length ?? 0
    return widths.reduce((best, one) => (width(one) > width(best) ? one : best)).separator
  }
  return ','
}

function advance(reading: DialectCandidate, read: (reader: DialectCandidate['reader']) => CsvRecord[]): void {
  if (reading.misfit !== undefined) return
  try {
    for (const { fields, line } of read(reading.reader)) {
      reading.records += 1
      if (reading.fields === 0) reading.fields = fields.length
      else if (fields.length !== reading.fields)
        reading.misfit ??= `line ${line} has ${fields.length} fields, the header has ${reading.fields}`
    }
  } catch (error) {
    if (!(error instanceof BrokenCsv)) throw error
    reading.misfit ??= `line ${error.line}: ${error.message}`
  }
}

function chosen(readings: readonly DialectCandidate[], shown: string): string {
  if (readings.every(({ records, misfit }) => records === 0 && misfit === undefined))
    throw new AppError('invalid_file', `${shown} is empty.`, {
      name: shown,
      hint: 'It needs a header line with the names of the columns.',
    })
  const fitting = readings.filter(({ misfit }) => misfit === undefined)
  const wide = fitting.filter(({ fields }) => fields > 1)
  if (wide.length === 1 && wide[0]) return wide[0].separator
  if (wide.length > 1) {
    throw new AppError('invalid_file', `${shown} can be read with ${wide.map(nameOf).join(' and with ')}.`, {
      name: shown,
      hint: 'Say which one with --separator.',
    })
  }
  const comma = readings.find(({ separator }) => separator === ',')
  if (comma?.misfit === undefined && fitting.length > 0) return ','
  throw new AppError(
    'invalid_file',
    `${shown} ${comma?.misfit ?? 'has rows of different lengths'}${otherReading(fitting)}.`,
    {
      name: shown,
      hint: 'A field that holds the separator stands in quotes. Another separator is named with --separator.',
    },
  )
}

function otherReading(fitting: readonly DialectCandidate[]): string {
  const [other] = fitting.filter(({ fields }) => fields > 1)
  return other ? `; with ${nameOf(other)} every row has ${other.fields}` : ''
}

function nameOf({ separator }: DialectCandidate): string {
  return `the ${names[separator]}`
}

/** A separator as it is typed: the sign itself, or `tab`. */
export function separatorOf(text: string): string {
  const found = text === 'tab' || text === '\\t' ? '\t' : text
  if (found.length === 1 && !/["\r\n]/.test(found)) return found
  throw invalidInput(`"${text}" is not a separator.`, { name: text, hint: 'One sign, such as ";", or "tab".' })
}

/** `sep=;` in the first line is how spreadsheets say the separator; it is no row. */
export async function saidSeparator(chunks: AsyncIterable<string>): Promise<string | undefined> {
  for await (const chunk of chunks) return /^sep=([^"\r\n])\r?\n/i.exec(chunk)?.[1]
  return undefined
}

export async function* withoutFirstLine(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let first = true
  for await (const chunk of chunks) {
    yield first ? chunk.slice(chunk.indexOf('\n') + 1) : chunk
    first = false
  }
}
