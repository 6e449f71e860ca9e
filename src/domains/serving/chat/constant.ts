import { Readable } from 'node:stream'
import { type AskedRelease, type Call, finish, markedAs } from '../gateway/gateway.ts'
import { plainRow } from '../rules.ts'
import type { Conversation, Request } from './ask.ts'
import { asObject, type Json } from './reply.ts'

/** Whether a constant answers here: the live one always does, in place of another only one that says something. */
export function answersAsConstant({ chosen, fallback = false }: AskedRelease, { path }: Request): boolean {
  if (path === '/embeddings' || chosen.runtime.constant === undefined) return false
  return !fallback || chosen.runtime.constant !== ''
}

/** A constant in OpenAI's protocol: what answers before the first release of a prompt, and when nothing else can. */
export function sayConstant(call: Call, asked: AskedRelease, { endpoint, path, body }: Request): Conversation {
  const { id } = call
  const text = String(asked.chosen.runtime.constant ?? '')
  const marks = markedAs([], asked.fallback === true)
  const row = plainRow(call.inputs)
  finish(call, asked, { row, knownAt: null, output: text, bad: null, marks: [], latencyMs: 0, tokens: null })
  const created = Math.floor(call.at.getTime() / 1000)
  const said = {
    id,
    created,
    model: endpoint,
    text,
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  }
  const chat = path === '/chat/completions'
  const streams = body['stream'] === true
  const wantsUsage = asObject(body['stream_options'])['include_usage'] === true
  const whole = Buffer.from(JSON.stringify(chat ? chatReply(said) : completion(said)))
  return {
    id,
    status: 200,
    contentType: streams ? 'text/event-stream' : 'application/json',
    release: asked.target.release,
    version: asked.target.version,
    body: streams ? Readable.from(events(chat, said, wantsUsage)) : whole,
    marks: [marks],
    usage: () => ({ tokens: null, firstTokenMs: null }),
  }
}

type Said = { id: string; created: number; model: string; text: string; usage: Json }

function chatReply({ text, usage, ...head }: Said): Json {
  const message = { role: 'assistant', content: text, refusal: null }
  const choice = { index: 0, message, logprobs: null, finish_reason: 'stop' }
  return { ...head, object: 'chat.completion', choices: [choice], usage }
}

function completion({ text, usage, ...head }: Said): Json {
  const choice = { index: 0, text, logprobs: null, finish_reason: 'stop' }
  return { ...head, object: 'text_completion', choices: [choice], usage }
}

function events(chat: boolean, { text, usage, ...head }: Said, wantsUsage: boolean): string[] {
  const object = chat ? 'chat.completion.chunk' : 'text_completion'
  const piece = chat ? { delta: { role: 'assistant', content: text } } : { text }
  const end = chat ? { delta: {} } : { text: '' }
  const chunks = [
    { ...head, object, choices: [{ index: 0, ...piece, finish_reason: null }] },
    { ...head, object, choices: [{ index: 0, ...end, finish_reason: 'stop' }] },
    ...(wantsUsage ? [{ ...head, object, choices: [], usage }] : []),
  ]
  return [...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), 'data: [DONE]\n\n']
}
