import type { Readable } from 'node:stream'
import { AppError } from '../../../core/errors.ts'
import * as registry from '../../registry/registry.ts'
import { reserve } from '../budget/budget.ts'
import { type AskedRelease, type Call, endsAt, markedAs } from '../gateway/gateway.ts'
import { passOn, type Usage } from './pass-on.ts'
import { asObject, type Json, offersTools, type Path, readAnswer, readWhole, refusalOf } from './reply.ts'
import { type Settlement, startSettlement } from './settlement.ts'

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
  /** What is to be said of the answers, by place; of a stream only what is known before it begins. */
  marks: registry.AnswerMark[][]
  /** What the provider counted so far; of a stream this is known at its end. */
  usage(): Usage
}

/** A stream may go on this many times longer than an answer may take to begin. */
const streamFactor = 10

/** One release's answer in OpenAI's protocol: passed on, counted, paid for and logged. Throws when there is none to pass on. */
export async function askChat(call: Call, asked: AskedRelease, request: Request): Promise<Conversation> {
  const { chosen, target } = asked
  const { chat } = chosen.runtime
  const { path, body, signal } = request
  if (!chat)
    throw new AppError('not_supported', `"${target.release}" is not a language model.`, { name: target.release })
  const streams = body['stream'] === true && path !== '/embeddings'
  const sent = prepare(chat, path, body, streams)
  const sentBytes = Buffer.byteLength(JSON.stringify(sent))
  const { model } = chat.provider
  const money = await reserve(call.ctx, {
    endpoint: call.endpoint,
    model,
    cap: chosen.cap,
    prices: chosen.prices,
    inputTokens: sentBytes,
    maxTokens: registry.tokenLimit(sent),
    answers: answersTo(path, body),
    generates: path !== '/embeddings',
  })
  if (money.maxTokens !== undefined && registry.tokenLimit(sent) === undefined)
    sent[registry.boundName(chat.provider, sent)] = money.maxTokens
  const settlement = startSettlement(call, asked, {
    model,
    money,
    sentBytes,
    signal,
    callersBound: isCallersBound(body, chat.provider),
  })
  const ends = endsAt(call, asked)
  const opened = Promise.withResolvers<Conversation>()
  const parts = { call, asked, request, sent, streams, ends, settlement }
  // The lane is held until the last byte, which is long after the caller has had the first.
  void chosen.lane
    .run(ends, () => exchange(chat, parts, opened.resolve))
    .catch((thrown: unknown) => {
      settlement.failed(thrown)
      opened.reject(thrown)
    })
  return opened.promise
}

type Exchange = {
  call: Call
  asked: AskedRelease
  request: Request
  sent: Json
  streams: boolean
  /** By `elapsed`. */
  ends: number
  settlement: Settlement
}

/** Returns when the answer is over; `open` gets it as soon as there is something to pass on. */
async function exchange(
  chat: registry.Chat,
  { call, asked, request, sent, streams, ends, settlement }: Exchange,
  open: (conversation: Conversation) => void,
): Promise<void> {
  const { ctx, endpoint, id } = call
  const { release, version } = asked.target
  const { path, body, signal } = request
  const left = ends - ctx.clock.elapsed()
  const milliseconds = streams ? left * streamFactor : left
  settlement.billed(true)
  const upstream = await chat.send(path, sent, { milliseconds, signal, shadow: asked.arm === 'shadow' })
  const { status, headers } = upstream
  settlement.billed(status === 200)
  const standIn = markedAs([], asked.fallback === true)
  const reply = { id, status, release, version, contentType: headers['content-type'] ?? 'application/json' }
  if (status === 200 && streams) {
    const wantsUsage = asObject(body['stream_options'])['include_usage'] === true
    const passing = { endpoint, release, wantsUsage, tools: offersTools(body), signal, elapsed: settlement.elapsed }
    const opening = (out: Readable, usage: () => Usage) => open({ ...reply, marks: [standIn], body: out, usage })
    settlement.answered(await passOn(ctx, upstream, { ...passing, open: opening }))
    return
  }
  const said = await readWhole(upstream.body)
  if (streams && refusesUsage(status, said, body)) {
    withoutUsage.add(chat)
    const { stream_options: _, ...rest } = sent
    return exchange(
      chat,
      { call, asked, request, sent: { ...rest, ...ownOptions(body) }, streams, ends, settlement },
      open,
    )
  }
  const refused = status === 200 ? undefined : refusalOf(status, said, release)
  if (refused) throw refused
  const answer = status === 200 ? readAnswer(said, request, release) : undefined
  if (answer) settlement.answered({ ...answer, pieces: 0, bad: null })
  else settlement.refused()
  const marks = answer?.marks.map((own) => [...standIn, ...own]) ?? []
  open({ ...reply, marks, body: said, usage: () => ({ tokens: answer?.tokens ?? null, firstTokenMs: null }) })
}

function prepare(chat: registry.Chat, path: Path, body: Json, streams: boolean): Json {
  const sent = path === '/chat/completions' ? chat.compose(body) : plain(path, body, chat.provider)
  if (!streams || withoutUsage.has(chat)) return sent
  return { ...sent, stream_options: { ...asObject(body['stream_options']), include_usage: true } }
}

/** Providers that refuse to be asked for usage in streams, as long as they are loaded: what they generate is estimated. */
const withoutUsage = new WeakSet<registry.Chat>()

/** What the caller itself says of its stream. */
function ownOptions({ stream_options: options }: Json): Json {
  return options === undefined ? {} : { stream_options: options }
}

function refusesUsage(status: number, said: Buffer, body: Json): boolean {
  const callers = asObject(body['stream_options'])['include_usage'] === true
  return !callers && registry.statusesOfRequest.includes(status) && said.includes('stream_options')
}

function plain(path: Path, body: Json, provider: registry.Chat['provider']): Json {
  // Completions have the old name for the bound only.
  if (path === '/completions') return registry.withSettings(body, { ...provider, bound: 'max_tokens' })
  const { user: _user, inputs: _inputs, ...rest } = body
  return { ...rest, model: provider.model }
}

/** How many answers are generated, shown or not: each costs. */
function answersTo(path: Path, { n, best_of: best, prompt }: Json): number {
  const count = (value: unknown) => (typeof value === 'number' && value >= 1 ? value : 1)
  const prompts = path === '/completions' && Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1
  return Math.max(count(n), count(best)) * Math.max(1, prompts)
}

/** Whether an answer ends where the caller wanted it to. */
function isCallersBound(body: Json, { max_tokens: most }: registry.Chat['provider']): boolean {
  const wanted = registry.tokenLimit(body)
  return wanted !== undefined && (most === undefined || wanted < most)
}
