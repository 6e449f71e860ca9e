import { setTimeout as pause } from 'node:timers/promises'
import { Type } from 'typebox'
import type { Context } from '../../core/context.ts'
import { send } from '../../core/egress.ts'
import { AppError } from '../../core/errors.ts'
import { parse } from '../../core/validate.ts'
import * as registry from '../registry/registry.ts'
import type { Provider } from '../registry/spec.ts'
import { milliseconds } from './rules.ts'

type Message = { role: 'system' | 'user'; content: string }
export type Said = { text: string; inputTokens: number; outputTokens: number }

/** As much of OpenAI's reply as is read. */
const Reply = Type.Object({
  choices: Type.Array(Type.Object({ message: Type.Object({ content: Type.Union([Type.String(), Type.Null()]) }) }), {
    minItems: 1,
  }),
  usage: Type.Optional(
    Type.Union([Type.Object({ prompt_tokens: Type.Number(), completion_tokens: Type.Number() }), Type.Null()]),
  ),
})

const attempts = 3
const defaultTimeout = '60s'

/** One answer from whoever speaks OpenAI's chat protocol; NaN tokens where it does not count them. */
export async function chat(ctx: Context, provider: Provider, messages: Message[]): Promise<Said> {
  const { url, model, temperature = 0, seed, max_tokens, timeout = defaultTimeout } = provider
  const request = {
    url: `${url.replace(/\/$/, '')}/chat/completions`,
    method: 'POST' as const,
    headers: { 'content-type': 'application/json', ...registry.keyHeader(ctx, provider.url, provider.key) },
    body: JSON.stringify({ model, messages, temperature, seed, max_tokens }),
    timeoutMilliseconds: milliseconds(timeout),
  }
  for (let attempt = 1; ; attempt++) {
    const reply = await send(ctx, request)
    const busy = reply.status === 429 || reply.status === 503
    if (busy && attempt < attempts) {
      await pause(250 * 4 ** attempt)
      continue
    }
    if (reply.status !== 200) throw failed(provider, `it answered with status ${reply.status}`)
    return said(provider, reply.body.toString('utf8'))
  }
}

function said(provider: Provider, body: string): Said {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch (cause) {
    throw failed(provider, 'it did not answer with JSON', cause)
  }
  const { choices, usage } = parse(Reply, json, { code: 'upstream_failed', what: `The reply of "${provider.model}"` })
  return {
    text: choices[0]?.message.content ?? '',
    inputTokens: usage?.prompt_tokens ?? Number.NaN,
    outputTokens: usage?.completion_tokens ?? Number.NaN,
  }
}

function failed({ model, url }: Provider, why: string, cause?: unknown): AppError {
  return new AppError('upstream_failed', `"${model}" at ${new URL(url).host} failed: ${why}.`, { name: model, cause })
}
