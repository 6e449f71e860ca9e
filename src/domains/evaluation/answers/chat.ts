import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { send } from '../../../core/egress/egress.ts'
import * as registry from '../../registry/registry.ts'
import type { Provider } from '../../registry/spec/spec.ts'

type Message = { role: 'system' | 'user'; content: string }
export type ChatReply = { text: string; inputTokens: number; outputTokens: number }

const attempts = 3
const defaultTimeout = '60s'

/** One answer from whoever speaks OpenAI's chat protocol; NaN tokens where it does not count them. */
export async function chat(ctx: Context, provider: Provider, messages: Message[]): Promise<ChatReply> {
  const { url, timeout = defaultTimeout } = provider
  const request = {
    url: `${url.replace(/\/$/, '')}/chat/completions`,
    method: 'POST' as const,
    headers: { 'content-type': 'application/json', ...registry.keyHeader(ctx, provider.url, provider.key) },
    body: JSON.stringify(registry.withSettings({ messages }, provider)),
    timeoutMilliseconds: milliseconds(timeout),
  }
  for (let attempt = 1; ; attempt++) {
    const reply = await send(ctx, request)
    const busy = reply.status === 429 || reply.status === 503
    if (busy && attempt < attempts) {
      await pause(250 * 4 ** attempt)
      continue
    }
    const { text, tokens } = registry.readChatReply(provider, reply)
    return { text, inputTokens: tokens?.input ?? Number.NaN, outputTokens: tokens?.output ?? Number.NaN }
  }
}
