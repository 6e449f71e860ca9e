/** Parses RFC 4180 text with a header line. */
export function parseCsv(text: string): { header: string[]; rows: string[][] } {
  const [header, ...rows] = [...records(text)]
  if (!header) throw new Error('The file has no header line.')
  const wrong = rows.findIndex((row) => row.length !== header.length)
  if (wrong >= 0) {
    throw new Error(`Row ${wrong + 1} has ${rows[wrong]?.length} fields, the header has ${header.length}.`)
  }
  return { header, rows }
}

export function formatCsv(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [header, ...rows].map((row) => `${row.map((value) => quoteIfNeeded(String(value))).join(',')}\n`).join('')
}

function quoteIfNeeded(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

function* records(text: string): Generator<string[]> {
  if (!text.includes('"')) {
    for (const line of text.split(/\r?\n/)) if (line !== '') yield line.split(',')
    return
  }
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y
  let row: string[] = []
  while (field.lastIndex < text.length) {
    const start = field.lastIndex
    const match = field.exec(text)
    if (!match) throw new Error(`A quote at character ${start + 1} is not closed or not at the start of its field.`)
    const [, quoted, plain = '', end] = match
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === ',' && field.lastIndex < text.length) continue
    if (end === ',') row.push('')
    if (row.length > 1 || row[0] !== '') yield row
    row = []
  }
}
