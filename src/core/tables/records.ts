/** One field of a CSV, and whether it stood in quotes: `""` is an empty text, nothing at all is a missing value. */
export type Field = { text: string; quoted: boolean }

export type CsvRecord = {
  fields: Field[]
  /** The line on which it begins, from 1: a quoted field may hold line breaks. */
  line: number
}

export type Dialect = { separator: string; quote: string }

/** A quote that is never closed, or text behind a closing quote. */
export class BrokenCsv extends Error {
  readonly line: number
  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** Where the reading of a text stands, between one chunk and the next. */
type ReaderState = Dialect & {
  state: 'start' | 'plain' | 'quoted' | 'closing'
  /** Of the record that has begun. */
  fields: Field[]
  /** Of the field that has begun. */
  text: string
  quoted: boolean
  line: number
  begun: number
  sawReturn: boolean
  done: CsvRecord[]
}

/**
 * Records of RFC 4180 text with any separator and quote, from chunks as they arrive; lines end with LF, CRLF or CR, blank
 * lines are passed over. A record is handed on as soon as it is complete, so that memory holds one chunk and one record.
 */
export function csvReader({ separator, quote }: Dialect): { push(chunk: string): CsvRecord[]; end(): CsvRecord[] } {
  const reading: ReaderState = {
    separator,
    quote,
    state: 'start',
    fields: [],
    text: '',
    quoted: false,
    line: 1,
    begun: 1,
    sawReturn: false,
    done: [],
  }
  return {
    push(chunk) {
      let at = 0
      while (at < chunk.length)
        at = reading.state === 'quoted' ? takeQuoted(reading, chunk, at) : takeSign(reading, chunk, at)
      return taken(reading)
    },
    end() {
      const { state, fields, begun } = reading
      if (state === 'quoted') throw new BrokenCsv(begun, `the quote of field ${fields.length + 1} is never closed`)
      endRecord(reading)
      return taken(reading)
    },
  }
}

/** Takes what is in quotes, and returns where to go on. */
function takeQuoted(reading: ReaderState, chunk: string, at: number): number {
  const close = chunk.indexOf(reading.quote, at)
  const end = close < 0 ? chunk.length : close
  const piece = chunk.slice(at, end)
  reading.line += countLines(piece)
  reading.text += piece
  if (close < 0) return end
  reading.state = 'closing'
  return close + 1
}

/** Takes a sign outside quotes, with the plain text that it begins, and returns where to go on. */
function takeSign(reading: ReaderState, chunk: string, at: number): number {
  const { separator, quote, state } = reading
  const sign = chunk[at] ?? ''
  const next = at + 1
  const endsReturn = reading.sawReturn && sign === '\n'
  reading.sawReturn = false
  if (endsReturn) return next
  if (state === 'closing' && sign === quote) {
    reading.text += quote
    reading.state = 'quoted'
  } else if (sign === separator) endField(reading)
  else if (sign === '\n' || sign === '\r') {
    endRecord(reading)
    reading.line += 1
    reading.begun = reading.line
    reading.sawReturn = sign === '\r'
  } else if (state === 'closing') {
    if (sign !== ' ' && sign !== '\t')
      throw new BrokenCsv(reading.begun, `text follows the closing quote of field ${reading.fields.length + 1}`)
  } else if (sign === quote && reading.text.trim() === '') {
    // Blanks before an opening quote are no part of the value: a bare quote could not follow them.
    reading.text = ''
    reading.state = 'quoted'
    reading.quoted = true
  } else {
    const end = sign === ' ' || sign === '\t' ? next : endOfPlain(chunk, next, separator)
    reading.text += sign + chunk.slice(next, end)
    reading.state = 'plain'
    return end
  }
  return next
}

function endField(reading: ReaderState): void {
  reading.fields.push({ text: reading.text, quoted: reading.quoted })
  reading.text = ''
  reading.quoted = false
  reading.state = 'start'
}

function endRecord(reading: ReaderState): void {
  const { fields, quoted, text, begun } = reading
  const blank = fields.length === 0 && !quoted && text.trim() === ''
  endField(reading)
  if (!blank) reading.done.push({ fields, line: begun })
  reading.fields = []
}

function taken(reading: ReaderState): CsvRecord[] {
  const { done } = reading
  reading.done = []
  return done
}

function endOfPlain(chunk: string, from: number, separator: string): number {
  let end = from
  for (; end < chunk.length; end++) {
    const sign = chunk[end]
    if (sign === separator || sign === '\n' || sign === '\r') break
  }
  return end
}

function countLines(text: string): number {
  let lines = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
