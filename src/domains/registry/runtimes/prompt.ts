import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { AppError } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import { openUpstream } from '../../../core/upstream/upstream.ts'
import type { Limits, Provider } from '../spec/spec.ts'
import type { VersionRecord } from '../store.ts'
import { readChatReply } from './chat-reply.ts'
import { composeMessages, type Json, withSettings } from './messages.ts'

import { keyHeader } from './remote.ts'
import type { CallOptions, Runtime } from './runtime.ts'

const defaultTimeout = '60s'

type PromptProvider = { provider: Provider; limits: Limits | undefined }

/** Opens a version that is a prompt: the spec's provider answers it. */
export async function openPrompt(
  ctx: Context,
  row: VersionRecord,
  { provider, limits }: PromptProvider,
): Promise<Runtime> {
  const template = row.prompt ?? ''
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

  async function one(row: Row, asking: CallOptions): Promise<Value> {
    const messages = composeMessages(template, undefined, row)
    const body = withSettings({ ...asking.limit, messages }, provider)
    const reply = await upstream.call(call('/chat/completions', body, asking))
    const { text, tokens } = readChatReply(provider, reply)
    if (tokens) asking.spent?.(tokens)
    return text
  }

  return {
    async predict(rows, asking = {}) {
      const answers: Value[] = []
      for (const row of rows) answers.push(await one(row, asking))
      return answers
    },
    chat: {
      provider,
      compose(body) {
        const inputs = inputsOf(body)
        return withSettings({ ...body, messages: composeMessages(template, body['messages'], inputs) }, provider)
      },
      send: (path, body, asking) => upstream.stream(call(path, body, asking)),
    },
    state() {
      const instances = upstream.state()
      return { kind: 'prompt', ready: instances.some(({ state }) => state !== 'open'), instances }
    },
    close: () => upstream.close(),
  }
}

function inputsOf(body: Json): Row {
  const given = body['inputs']
  if (given === undefined) return {}
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Row
  throw new AppError('invalid_input', '"inputs" must be an object with the variables of the prompt.', {
    name: 'inputs',
  })
}
