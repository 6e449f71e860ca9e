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

type State = 'start' | 'plain' | 'quoted' | 'closing'

/**
 * Records of RFC 4180 text with any separator and quote, from chunks as they arrive; lines end with LF, CRLF or CR, blank
 * lines are passed over. A record is handed on as soon as it is complete, so that memory holds one chunk and one record.
 */
export function csvReader({ separator, quote }: Dialect): { push(chunk: string): CsvRecord[]; end(): CsvRecord[] } {
  let state: State = 'start'
  let fields: Field[] = []
  let text = ''
  let quoted = false
  let line = 1
  let begun = 1
  let sawReturn = false
  let done: CsvRecord[] = []

  function endField(): void {
    fields.push({ text, quoted })
    text = ''
    quoted = false
    state = 'start'
  }

  function endRecord(): void {
    const blank = fields.length === 0 && !quoted && text.trim() === ''
    if (!blank) {
      endField()
      done.push({ fields, line: begun })
    }
    fields = []
    text = ''
    quoted = false
    state = 'start'
  }

  function newLine(): void {
    line += 1
    begun = line
  }

  function take(chunk: string): void {
    let at = 0
    while (at < chunk.length) {
      if (state === 'quoted') {
        const close = chunk.indexOf(quote, at)
        const piece = close < 0 ? chunk.slice(at) : chunk.slice(at, close)
        line += countLines(piece)
        text += piece
        if (close < 0) return
        state = 'closing'
        at = close + 1
        continue
      }
      const sign = chunk[at] ?? ''
      at += 1
      if (sawReturn && sign === '\n') {
        sawReturn = false
        continue
      }
      sawReturn = false
      if (state === 'closing' && sign === quote) {
        text += quote
        state = 'quoted'
      } else if (sign === separator) endField()
      else if (sign === '\n' || sign === '\r') {
        endRecord()
        newLine()
        sawReturn = sign === '\r'
      } else if (state === 'closing') {
        if (sign === ' ' || sign === '\t') continue
        throw new BrokenCsv(begun, `text follows the closing quote of field ${fields.length + 1}`)
      } else if (sign === quote && text.trim() === '') {
        // Blanks before an opening quote are no part of the value: a bare quote could not follow them.
        text = ''
        state = 'quoted'
        quoted = true
      } else {
        const end = sign === ' ' || sign === '\t' ? at : endOfPlain(chunk, at, separator)
        text += sign + chunk.slice(at, end)
        state = 'plain'
        at = end
      }
    }
  }

  function taken(): CsvRecord[] {
    const records = done
    done = []
    return records
  }

  return {
    push(chunk) {
      take(chunk)
      return taken()
    },
    end() {
      if (state === 'quoted') throw new BrokenCsv(begun, `the quote of field ${fields.length + 1} is never closed`)
      endRecord()
      return taken()
    },
  }
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
