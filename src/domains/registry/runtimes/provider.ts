import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { AppError } from '../../../core/errors.ts'
import { openUpstream, type UpstreamReply, type UpstreamStream } from '../../../core/upstream/upstream.ts'
import type { Limits, Provider } from '../spec/spec.ts'
import { type ChatText, readChatReply } from './chat-reply.ts'
import type { Json, Message } from './messages.ts'
import { keyHeader } from './remote.ts'
import type { CallOptions, RuntimeState } from './runtime.ts'
import { withSettings } from './settings.ts'

/** Whoever answers in OpenAI's chat protocol: the only place that asks a language model. */
export type OpenProvider = {
  /** One answer; a provider that is busy is asked again, up to `attempts` times in all (by default once). */
  ask(messages: readonly Message[], asking?: CallOptions & { attempts?: number }): Promise<ChatText>
  send(path: string, body: Json, asking: CallOptions): Promise<UpstreamStream>
  instances(): NonNullable<RuntimeState['instances']>
  close(): Promise<void>
}

const defaultTimeout = '60s'
const firstPause = 1_000

export async function openProvider(ctx: Context, provider: Provider, limits?: Limits): Promise<OpenProvider> {
  const headers = { 'content-type': 'application/json', ...keyHeader(ctx, provider.url, provider.key) }
  const connect = limits?.connect === undefined ? {} : { connectMilliseconds: milliseconds(limits.connect) }
  const upstream = await openUpstream(ctx, { urls: [provider.url], ...connect })
  const patience = milliseconds(limits?.timeout ?? provider.timeout ?? defaultTimeout)
  const call = (path: string, body: Json, asking: CallOptions) => ({
    method: 'POST' as const,
    path,
    headers: asking.shadow === true ? { ...headers, 'x-shadow': '1' } : headers,
    body: JSON.stringify(body),
    timeoutMilliseconds: asking.milliseconds ?? patience,
    signal: asking.signal,
    // An answer costs money, so a request is repeated only when nothing had been sent.
    idempotent: false,
  })

  return {
    async ask(messages, { attempts = 1, ...asking } = {}) {
      const body = withSettings({ ...asking.limit, messages }, provider)
      for (let attempt = 1; ; attempt++) {
        const reply = await upstream.call(call('/chat/completions', body, asking)).catch(errorOf)
        if (attempt < attempts && isBusy(reply)) {
          await pause(firstPause * 4 ** (attempt - 1))
          continue
        }
        if (reply instanceof Error) throw reply
        const answer = readChatReply(provider, reply)
        if (answer.tokens) asking.spent?.(answer.tokens)
        asking.marked?.(answer.marks)
        return answer
      }
    },
    send: (path, body, asking) => upstream.stream(call(path, body, asking)),
    instances: () => upstream.state(),
    close: () => upstream.close(),
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** It says so, or it said so too often and is left alone for a moment. */
function isBusy(reply: UpstreamReply | Error): boolean {
  if (reply instanceof Error) return reply instanceof AppError && reply.code === 'not_ready'
  return reply.status === 429 || reply.status === 503
}
