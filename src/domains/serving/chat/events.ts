import { Transform } from 'node:stream'
import type { Tokens } from '../log/log.ts'

/** What went by in a stream of server-sent events of OpenAI's protocol. */
export type StreamContent = {
  text: string
  tokens: Tokens | null
  /** Pieces of text, each about a token, for where nobody counted. */
  pieces: number
  /** When the first of them went by (`elapsed`). */
  firstAt: number | undefined
  done: boolean
}

type Chunk = {
  choices?: { delta?: { content?: string | null }; text?: string }[]
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null
}

const maxKept = 65_536
const maxEventLength = 1024 * 1024

/**
 * Passes events on as they come, byte for byte, and reads along. The event that only tells usage is left out when the caller
 * did not ask for it.
 */
export function readAlong(wantsUsage: boolean, elapsed: () => number): { stream: Transform; seen: StreamContent } {
  const seen: StreamContent = { text: '', tokens: null, pieces: 0, firstAt: undefined, done: false }
  let rest = Buffer.alloc(0)

  /** Whether the event is passed on. */
  function look(event: string): boolean {
    const data = /^data: ?(.*)$/m.exec(event)?.[1]
    if (data === undefined) return true
    if (data === '[DONE]') {
      seen.done = true
      return true
    }
    const chunk = parsed(data)
    const usage = chunk?.usage
    if (usage) seen.tokens = { input: usage.prompt_tokens ?? Number.NaN, output: usage.completion_tokens ?? 0 }
    const piece = chunk?.choices?.map(({ delta, text }) => delta?.content ?? text ?? '').join('') ?? ''
    if (piece !== '') {
      seen.pieces += 1
      seen.firstAt ??= elapsed()
      if (seen.text.length < maxKept) seen.text += piece
    }
    return wantsUsage || !usage || (chunk?.choices?.length ?? 0) > 0
  }

  const stream = new Transform({
    transform(bytes: Buffer, _encoding, done) {
      rest = Buffer.concat([rest, bytes])
      for (let end = endOf(rest); end > 0; end = endOf(rest)) {
        const event = rest.subarray(0, end)
        rest = rest.subarray(end)
        if (look(event.toString('utf8'))) this.push(event)
      }
      if (rest.length > maxEventLength) done(new Error('An event of the stream is longer than this server reads.'))
      else done()
    },
    flush(done) {
      if (rest.length > 0 && look(rest.toString('utf8'))) this.push(rest)
      done()
    },
  })
  return { stream, seen }
}

/** Where the first whole event ends: after its empty line. */
function endOf(bytes: Buffer): number {
  const [plain, carriage] = [bytes.indexOf('\n\n'), bytes.indexOf('\r\n\r\n')]
  if (carriage >= 0 && (plain < 0 || carriage < plain)) return carriage + 4
  return plain < 0 ? 0 : plain + 2
}

function parsed(data: string): Chunk | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return typeof value === 'object' && value !== null ? (value as Chunk) : undefined
  } catch {
    // Whatever it is, it is passed on as it is; there is nothing in it to count.
    return undefined
  }
}
