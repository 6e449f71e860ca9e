import { AppError } from '../../../core/errors.ts'
import { Type } from '../../../core/shapes/shapes.ts'
import { parse } from '../../../core/validate.ts'
import type { Provider } from '../spec/spec.ts'
import { choiceOf, type ReadChoice, readChoice } from './chat-choice.ts'

/** The fields of OpenAI's reply that are read. */
const Reply = Type.Object({
  choices: Type.Array(Type.Object({ message: Type.Record(Type.String(), Type.Unknown()) }), { minItems: 1 }),
  usage: Type.Optional(
    Type.Union([Type.Object({ prompt_tokens: Type.Number(), completion_tokens: Type.Number() }), Type.Null()]),
  ),
})

/** A provider's reply, for the gate and for callers alike. `tokens` is null when the provider does not count them. */
export type ChatText = ReadChoice & { tokens: { input: number; output: number } | null }

export function readChatReply(provider: Provider, { status, body }: { status: number; body: Buffer }): ChatText {
  if (status !== 200) {
    const cause = statusesOfRequest.includes(status) ? new Error(`status ${status}`) : undefined
    throw failed(provider, `it answered with status ${status}`, { hint: sentenceOf(status, body), cause })
  }
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw failed(provider, 'it did not answer with JSON', { cause })
  }
  const { choices, usage } = parse(Reply, json, { code: 'upstream_failed', what: `The reply of "${provider.model}"` })
  return {
    ...readChoice(choiceOf(choices[0] ?? {}), { tools: false }),
    tokens: usage ? { input: usage.prompt_tokens, output: usage.completion_tokens } : null,
  }
}

/** Statuses by which a provider says what it does not like about a request; other answers may hold its own secrets. */
export const statusesOfRequest: readonly number[] = [400, 404, 413, 415, 422]

const longestSentence = 500

/** The provider's own sentence about the request, such as that it takes no temperature. */
function sentenceOf(status: number, body: Buffer): string | undefined {
  if (!statusesOfRequest.includes(status)) return undefined
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { error?: { message?: unknown } }
    return typeof error?.message === 'string'
      ? `The provider says: ${error.message.slice(0, longestSentence)}`
      : undefined
  } catch {
    // It said nothing that can be shown.
    return undefined
  }
}

function failed({ model, url }: Provider, why: string, more: { cause?: unknown; hint?: string | undefined }): AppError {
  return new AppError('upstream_failed', `"${model}" at ${new URL(url).host} failed: ${why}.`, { name: model, ...more })
}
