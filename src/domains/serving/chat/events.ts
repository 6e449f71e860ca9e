import { Transform } from 'node:stream'
import * as registry from '../../registry/registry.ts'
import type { Tokens } from '../log/log.ts'
import type { Json } from './reply.ts'

/** What went by in a stream of server-sent events of OpenAI's protocol. */
export type StreamContent = {
  /** By index: several answers come interleaved. */
  choices: Map<number, registry.Choice>
  tokens: Tokens | null
  /** Pieces of text, each about a token, for where nobody counted. */
  pieces: number
  /** When the first of them went by (`elapsed`). */
  firstAt: number | undefined
  done: boolean
}

type Chunk = {
  choices?: (Json & { index?: number })[]
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null
}

const maxKept = 65_536
const maxEventLength = 1024 * 1024

type Reading = {
  wantsUsage: boolean
  elapsed(): number
  /** What is said before the stream's last event, as a comment, which clients pass over. */
  remark(seen: StreamContent): string | undefined
}

/**
 * Passes events on as they come, byte for byte, and reads along. The event that only tells usage is left out when the caller
 * did not ask for it.
 */
export function readAlong({ wantsUsage, elapsed, remark }: Reading): { stream: Transform; seen: StreamContent } {
  const seen: StreamContent = { choices: new Map(), tokens: null, pieces: 0, firstAt: undefined, done: false }
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
    for (const piece of chunk?.choices ?? []) take(piece)
    return wantsUsage || !usage || (chunk?.choices?.length ?? 0) > 0
  }

  function take(piece: Json & { index?: number }): void {
    const index = piece.index ?? 0
    const choice = seen.choices.get(index) ?? registry.emptyChoice()
    seen.choices.set(index, choice)
    const before = sizeOf(choice)
    registry.addPiece(choice, piece, maxKept)
    if (sizeOf(choice) === before && !saysText(piece)) return
    seen.pieces += 1
    seen.firstAt ??= elapsed()
  }

  const stream = new Transform({
    transform(bytes: Buffer, _encoding, done) {
      rest = Buffer.concat([rest, bytes])
      for (let end = endOf(rest); end > 0; end = endOf(rest)) {
        const event = rest.subarray(0, end)
        rest = rest.subarray(end)
        if (!look(event.toString('utf8'))) continue
        const said = seen.done ? remark(seen) : undefined
        if (said !== undefined) this.push(`: ${said}\n\n`)
        this.push(event)
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

function sizeOf({ text, refusal, calls }: registry.Choice): number {
  return text.length + refusal.length + calls.reduce((sum, call) => sum + call.name.length + call.arguments.length, 0)
}

/** Also where so much was kept that the piece was not. */
function saysText(piece: Json): boolean {
  const delta = piece['delta']
  return registry.textOf(piece['text'] ?? (typeof delta === 'object' && delta ? (delta as Json)['content'] : '')) !== ''
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
