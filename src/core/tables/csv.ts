import { AppError } from '../errors.ts'

/** Parses RFC 4180 text with a header line into one object per row; all values are text. */
export function parseCsv(text: string, shown = 'The CSV'): Record<string, string>[] {
  const [header, ...rows] = records(text.startsWith('\uFEFF') ? text.slice(1) : text, shown)
  if (!header) throw new AppError('invalid_file', `${shown} is empty.`, { name: shown })
  const twice = header.find((name, column) => header.indexOf(name) < column)
  if (twice !== undefined)
    throw new AppError('invalid_file', `${shown} has the column "${twice}" twice.`, { name: twice })
  return rows.map((row, index) => {
    if (row.length !== header.length) {
      const line = index + 2
      throw new AppError(
        'invalid_file',
        `${shown} row ${line} has ${row.length} fields, the header has ${header.length}.`,
        { name: shown },
      )
    }
    return Object.fromEntries(header.map((name, column) => [name, row[column] ?? '']))
  })
}

function records(text: string, shown: string): string[][] {
  const all: string[][] = []
  let row: string[] = []
  let position = 0
  while (position < text.length) {
    const [value, next] = text[position] === '"' ? quoted(text, position, shown) : plain(text, position)
    row.push(value)
    const end = text[next]
    position = next + 1
    if (end === ',') {
      if (position === text.length) row.push('')
      continue
    }
    if (end === '\r' && text[position] === '\n') position += 1
    if (row.length > 1 || row[0] !== '') all.push(row)
    row = []
  }
  if (row.length > 0) all.push(row)
  return all
}

function plain(text: string, start: number): [string, number] {
  let end = start
  while (end < text.length && text[end] !== ',' && text[end] !== '\n' && text[end] !== '\r') end += 1
  return [text.slice(start, end), end]
}

function quoted(text: string, start: number, shown: string): [string, number] {
  let value = ''
  let position = start + 1
  for (;;) {
    const quote = text.indexOf('"', position)
    if (quote < 0) throw new AppError('invalid_file', `${shown} has a quote that never ends.`, { name: shown })
    value += text.slice(position, quote)
    if (text[quote + 1] !== '"') return [value, quote + 1]
    value += '"'
    position = quote + 2
  }
}

/** `12.5` becomes a number, an empty field null, everything else stays text. */
export function typed(value: string): string | number | null {
  if (value === '') return null
  return /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) ? Number(value) : value
}

/** RFC 4180: a value that holds a comma, a quote or a line break stands in quotes; nothing stands for null. */
export function toCsv(rows: (string | number | null)[][]): string {
  const cell = (value: string | number | null) => {
    const text = value === null ? '' : String(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('')
}
