import { PassThrough, type Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { AppError } from '../../../core/errors.ts'
import { neverSent, type UpstreamStream } from '../../../core/upstream/upstream.ts'
import * as registry from '../../registry/registry.ts'
import { costOf, reserve } from '../budget/budget.ts'
import { type AskedRelease, type Call, endsAt, finish, isRefusal } from '../gateway/gateway.ts'
import type { Bad, Tokens } from '../log/log.ts'
import { plainRow } from '../rules.ts'
import { readAlong } from './events.ts'
import { asObject, type Json, maxAnswerLength, type Path, readAnswer, readWhole, refusalOf } from './reply.ts'

export type Request = {
  endpoint: string
  path: Path
  body: Json
  id?: string
  /** Ends when the caller goes away. */
  signal: AbortSignal
}

export type Conversation = {
  id: string
  status: number
  contentType: string
  release: string
  version: number
  /** Whole, or as it comes. */
  body: Buffer | Readable
  /** What the provider counted so far; of a stream this is known at its end. */
  usage(): Usage
}

export type Usage = { tokens: Tokens | null; firstTokenMs: number | null }

/** A stream may go on this many times longer than an answer may take to begin. */
const streamFactor = 10

type ReceivedAnswer = {
  text: string | null
  /** As the provider counted them. What it does not count is estimated in the log; the budget may then charge the whole reservation. */
  tokens: Tokens | null
  pieces: number
  bad: Bad | null
  firstTokenMs?: number | null
}

/** One release's answer in OpenAI's protocol: passed on, counted, paid for and logged. Throws when there is none to pass on. */
export async function askChat(call: Call, asked: AskedRelease, { path, body, signal }: Request): Promise<Conversation> {
  const { ctx, endpoint, id } = call
  const { chosen, target, arm } = asked
  const { release, version } = target
  const { chat } = chosen.runtime
  if (!chat) throw new AppError('not_supported', `"${release}" is not a language model.`, { name: release })
  const streams = body['stream'] === true && path !== '/embeddings'
  const sent = prepare(chat, path, body, streams)
  const sentBytes = Buffer.byteLength(JSON.stringify(sent))
  const { model } = chat.provider
  const money = await reserve(ctx, {
    endpoint,
    model,
    cap: chosen.cap,
    prices: chosen.prices,
    inputTokens: sentBytes,
    maxTokens: registry.tokenLimit(sent),
    answers: typeof body['n'] === 'number' && body['n'] >= 1 ? body['n'] : 1,
    generates: path !== '/embeddings',
  })
  if (money.maxTokens !== undefined && registry.tokenLimit(sent) === undefined) sent['max_tokens'] = money.maxTokens
  const started = ctx.clock.elapsed()
  const ends = endsAt(call, asked)
  const opened = Promise.withResolvers<Conversation>()

  function done({ text, tokens: counted, pieces, bad, firstTokenMs = null }: ReceivedAnswer): void {
    const tokens = counted ?? estimated(pieces)
    money.settle(costOf(model, counted, chosen.prices), costOf(model, tokens, chosen.prices))
    const latencyMs = ctx.clock.elapsed() - started
    finish(call, asked, {
      row: plainRow(call.inputs),
      knownAt: null,
      output: text,
      bad,
      latencyMs,
      tokens,
      firstTokenMs,
    })
  }

  /** Nobody counted: a token is about four bytes of what was sent, and a piece of what came. */
  const estimated = (pieces: number): Tokens => ({ input: Math.ceil(sentBytes / 4), output: pieces })

  /** Whether the provider may ask money for it. */
  let billed = false

  async function exchange(): Promise<void> {
    const left = ends - ctx.clock.elapsed()
    const milliseconds = streams ? left * streamFactor : left
    billed = true
    const upstream = await chat?.send(path, sent, { milliseconds, signal, shadow: arm === 'shadow' })
    if (!upstream) return
    const { status, headers } = upstream
    billed = status === 200
    const reply = { id, status, release, version, contentType: headers['content-type'] ?? 'application/json' }
    if (status === 200 && streams) {
      await passOn(upstream, (out, usage) => opened.resolve({ ...reply, body: out, usage }))
      return
    }
    const said = await readWhole(upstream.body)
    const refused = status === 200 ? undefined : refusalOf(status, said, release)
    if (refused) throw refused
    const answer = status === 200 ? readAnswer(said, path, release) : undefined
    if (answer) done({ ...answer, pieces: 0, bad: null })
    else money.settle(0)
    opened.resolve({ ...reply, body: said, usage: () => ({ tokens: answer?.tokens ?? null, firstTokenMs: null }) })
  }

  async function passOn(upstream: UpstreamStream, open: (out: Readable, usage: () => Usage) => void): Promise<void> {
    const wantsUsage = asObject(body['stream_options'])['include_usage'] === true
    const { stream, seen } = readAlong(wantsUsage, ctx.clock.elapsed)
    const out = new PassThrough()
    let size = 0
    stream.on('data', (bytes: Buffer) => {
      size += bytes.length
      if (size > maxAnswerLength) upstream.body.destroy(new Error('The stream is longer than this server passes on.'))
    })
    const firstTokenMs = () => (seen.firstAt === undefined ? null : seen.firstAt - started)
    open(out, () => ({ tokens: seen.tokens, firstTokenMs: firstTokenMs() }))
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
    const { text, tokens, pieces } = seen
    done({ text, tokens, pieces, bad: broken ? 'error' : null, firstTokenMs: firstTokenMs() })
  }

  // The lane is held until the last byte, which is long after the caller has had the first.
  void chosen.lane.run(ends, exchange).catch((thrown: unknown) => {
    const free = !billed || neverSent(thrown)
    if (thrown instanceof AppError && isRefusal(thrown)) money.settle(0)
    else if (signal.aborted) money.settle(free ? 0 : null, costOf(model, estimated(0), chosen.prices))
    else {
      ctx.log.warn({ err: thrown, endpoint, release }, 'a language model failed to answer')
      done({ text: null, tokens: free ? { input: 0, output: 0 } : null, pieces: 0, bad: 'error' })
    }
    opened.reject(thrown)
  })
  return opened.promise
}

function prepare(chat: registry.Chat, path: Path, body: Json, streams: boolean): Json {
  const sent = path === '/chat/completions' ? chat.compose(body) : plain(body, chat.provider.model)
  if (!streams) return sent
  return { ...sent, stream_options: { ...asObject(body['stream_options']), include_usage: true } }
}

function plain(body: Json, model: string): Json {
  const { user: _user, inputs: _inputs, ...rest } = body
  return { ...rest, model }
}

function brokenOff(release: string): string {
  const message = `"${release}" stopped in the middle of its answer.`
  return `data: ${JSON.stringify({ error: { message, type: 'api_error', code: 'upstream_failed', param: null } })}\n\n`
}
