import { type LogRecord, toLine } from './log-record.ts'

/**
 * Answers of one endpoint that wait to be written, as lines of JSON. They lie outside the heap: a second of a busy endpoint
 * would otherwise be moved through two generations before it becomes garbage.
 */
export type Lines = {
  endpoint: string
  count: number
  /** First and last moment. */
  from: string
  to: string
  blocks: Block[]
}

type Block = { bytes: Buffer; used: number }

const blockBytes = 256 * 1024
/** A character of JavaScript takes at most three bytes of UTF-8. */
const maxBytes = 3
const newline = 10

export function createLines(endpoint: string): Lines {
  return { endpoint, count: 0, from: '', to: '', blocks: [] }
}

export function addLine(lines: Lines, logged: LogRecord): void {
  const { at } = logged
  const text = toLine(logged)
  const block = roomFor(lines, text.length * maxBytes + 1)
  block.used += block.bytes.write(text, block.used)
  block.bytes[block.used++] = newline
  if (lines.count === 0 || at < lines.from) lines.from = at
  if (at > lines.to) lines.to = at
  lines.count += 1
}

function roomFor({ blocks }: Lines, size: number): Block {
  const last = blocks.at(-1)
  if (last && last.bytes.length - last.used >= size) return last
  const fresh = { bytes: Buffer.allocUnsafeSlow(Math.max(size, blockBytes)), used: 0 }
  blocks.push(fresh)
  return fresh
}

/** The bytes, in order, as they go to disk. */
export function* bytesOf({ blocks }: Lines): Generator<Buffer> {
  for (const { bytes, used } of blocks) yield bytes.subarray(0, used)
}

/** The answers again, oldest first; with `holding` at least those whose line holds this text. */
export function readLines(lines: Lines, holding = ''): LogRecord[] {
  const found: LogRecord[] = []
  for (const bytes of bytesOf(lines)) {
    if (!bytes.includes(holding)) continue
    for (const line of bytes.toString('utf8').split('\n'))
      if (line !== '' && line.includes(holding)) found.push(JSON.parse(line) as LogRecord)
  }
  return found
}
