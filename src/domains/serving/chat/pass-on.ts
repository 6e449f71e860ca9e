import { PassThrough, type Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import type { Context } from '../../../core/context.ts'
import type { UpstreamStream } from '../../../core/upstream/upstream.ts'
import * as registry from '../../registry/registry.ts'
import type { Tokens } from '../log/log.ts'
import { readAlong, type StreamContent } from './events.ts'
import { marksHeader, maxAnswerLength } from './reply.ts'
import { type Said, saidBy } from './said.ts'
import type { ReceivedAnswer } from './settlement.ts'

export type Usage = { tokens: Tokens | null; firstTokenMs: number | null }

type Passing = {
  endpoint: string
  release: string
  wantsUsage: boolean
  /** Tools were offered: that they are called is an answer. */
  tools: boolean
  /** Ends when the caller goes away. */
  signal: AbortSignal
  /** Milliseconds since the question. */
  elapsed(): number
  /** Gets the stream as soon as there is one, and what the provider counted so far. */
  open(out: Readable, usage: () => Usage): void
}

/** Passes a stream on to its end, however it ends, and tells what went by. */
export async function passOn(ctx: Context, upstream: UpstreamStream, passing: Passing): Promise<ReceivedAnswer> {
  const { endpoint, release, wantsUsage, tools, signal, elapsed, open } = passing
  const said = (content: StreamContent): Said => saidBy(inOrder(content), tools)
  const remark = (content: StreamContent) => {
    const field = registry.marksField(said(content).marks)
    return field === undefined ? undefined : `${marksHeader}: ${field}`
  }
  const { stream, seen } = readAlong({ wantsUsage, elapsed, remark })
  const out = new PassThrough()
  let size = 0
  stream.on('data', (bytes: Buffer) => {
    size += bytes.length
    if (size > maxAnswerLength) upstream.body.destroy(new Error('The stream is longer than this server passes on.'))
  })
  open(out, () => ({ tokens: seen.tokens, firstTokenMs: seen.firstAt ?? null }))
  try {
    stream.pipe(out, { end: false })
    await pipeline(upstream.body, stream)
    out.end()
    await finished(out, { readable: false })
  } catch (thrown) {
    if (signal.aborted) out.destroy()
    else {
      // The caller has had its status long ago: the protocol's own way to say so is an event.
      out.end(brokenOff(release))
      ctx.log.warn({ err: thrown, endpoint, release }, 'a stream broke off')
    }
  }
  const broken = !seen.done && !signal.aborted
  const { tokens, pieces, firstAt = null } = seen
  // An answer that broke off says nothing of how it would have ended.
  const { text, marks } = said(seen)
  return { text, marks: seen.done ? marks : [], tokens, pieces, bad: broken ? 'error' : null, firstTokenMs: firstAt }
}

function inOrder({ choices }: StreamContent): registry.Choice[] {
  if (choices.size === 0) return [registry.emptyChoice()]
  return [...choices].sort(([a], [b]) => a - b).map(([, choice]) => choice)
}

function brokenOff(release: string): string {
  const message = `"${release}" stopped in the middle of its answer.`
  return `data: ${JSON.stringify({ error: { message, type: 'api_error', code: 'upstream_failed', param: null } })}\n\n`
}
