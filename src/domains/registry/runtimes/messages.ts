import { invalidInput } from '../../../core/errors.ts'
import type { Row } from '../../../core/onnx/onnx.ts'
import { fillTemplate, variablesOf } from '../rules.ts'
import type { Provider } from '../spec/spec.ts'

export type Json = Record<string, unknown>
export type Message = Json & { role: string; content: unknown }

/**
 * The messages for the provider: the prompt's text with its variables filled in, and the caller's messages. Variables take their
 * values from `inputs`. If one variable is left, it takes the caller's last user message, and the text replaces that message. If
 * none is left, the text is a system message before the caller's, or the user message when the caller has none.
 */
export function composeMessages(template: string, given: unknown, inputs: Row): Message[] {
  const messages = readMessages(given)
  const missing = variablesOf(template).filter((name) => inputs[name] === undefined || inputs[name] === null)
  const lastUser = messages.findLastIndex(({ role }) => role === 'user')
  const last = messages[lastUser]
  const [variable] = missing
  if (variable === undefined) {
    const content = fillTemplate(template, inputs, 'the request')
    if (messages.length === 0) return [{ role: 'user', content }]
    return [{ role: 'system', content }, ...messages]
  }
  if (missing.length > 1 || typeof last?.content !== 'string') {
    throw invalidInput(`The prompt reads ${missing.map((name) => `"${name}"`).join(' and ')}.`, {
      name: variable,
      hint:
        missing.length > 1
          ? 'Send them under "inputs"; one may be left to the last user message.'
          : 'Send it under "inputs", or as the text of the last user message.',
    })
  }
  const content = fillTemplate(template, { ...inputs, [variable]: last.content }, 'the request')
  return messages.with(lastUser, { ...last, content })
}

function readMessages(given: unknown): Message[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) throw invalidInput('"messages" must be a list.', { name: 'messages' })
  return given.map((message: unknown, index) => {
    const role = typeof message === 'object' && message !== null && 'role' in message ? message.role : undefined
    if (typeof role === 'string') return message as Message
    throw invalidInput(`"messages[${index}]" must be an object with a "role".`, { name: `messages[${index}]` })
  })
}

/** The spec's settings win, because they were evaluated; the caller's count only where the spec has none. */
export function withSettings(body: Json, { model, temperature = 0, seed, max_tokens }: Provider): Json {
  const { inputs: _inputs, user: _user, ...rest } = body
  const wanted = tokenLimit(body)
  const most = max_tokens === undefined ? wanted : Math.min(max_tokens, wanted ?? max_tokens)
  const { max_completion_tokens: _limit, max_tokens: _old, ...plain } = rest
  return {
    ...plain,
    model,
    temperature,
    ...(seed === undefined ? {} : { seed }),
    ...(most === undefined
      ? {}
      : { [body['max_completion_tokens'] === undefined ? 'max_tokens' : 'max_completion_tokens']: most }),
  }
}

/** The caller's limit of generated tokens, under either of its two names. */
export function tokenLimit(body: Json): number | undefined {
  for (const name of ['max_completion_tokens', 'max_tokens']) {
    const value = body[name]
    if (value === undefined || value === null) continue
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
    throw invalidInput(`"${name}" must be a whole number above zero.`, { name })
  }
  return undefined
}
