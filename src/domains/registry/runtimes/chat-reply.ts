import { AppError } from '../../../core/errors.ts'
import { Type } from '../../../core/shapes/shapes.ts'
import { parse } from '../../../core/validate.ts'
import type { Provider } from '../spec/spec.ts'

/** The fields of OpenAI's reply that are read. */
const Reply = Type.Object({
  choices: Type.Array(Type.Object({ message: Type.Object({ content: Type.Union([Type.String(), Type.Null()]) }) }), {
    minItems: 1,
  }),
  usage: Type.Optional(
    Type.Union([Type.Object({ prompt_tokens: Type.Number(), completion_tokens: Type.Number() }), Type.Null()]),
  ),
})

/** Reads a provider's reply, for the gate and for callers alike. `tokens` is null when the provider does not count them. */
export type ChatText = { text: string; tokens: { input: number; output: number } | null }

export function readChatReply(provider: Provider, { status, body }: { status: number; body: Buffer }): ChatText {
  if (status !== 200) throw failed(provider, `it answered with status ${status}`)
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw failed(provider, 'it did not answer with JSON', cause)
  }
  const { choices, usage } = parse(Reply, json, { code: 'upstream_failed', what: `The reply of "${provider.model}"` })
  return {
    text: choices[0]?.message.content ?? '',
    tokens: usage ? { input: usage.prompt_tokens, output: usage.completion_tokens } : null,
  }
}

function failed({ model, url }: Provider, why: string, cause?: unknown): AppError {
  return new AppError('upstream_failed', `"${model}" at ${new URL(url).host} failed: ${why}.`, { name: model, cause })
}
