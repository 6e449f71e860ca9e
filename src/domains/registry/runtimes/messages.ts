import { invalidInput } from '../../../core/errors.ts'
import type { Row } from '../../../core/onnx/onnx.ts'
import { fillTemplate, variablesOf } from '../rules.ts'
import type { Provider } from '../spec/spec.ts'

export type Json = Record<string, unknown>
export type Message = Json & { role: string; content: unknown }
type Part = Json & { type: string }

/**
 * The messages for the provider: the prompt's text with its variables filled in, and the caller's messages. Variables take their
 * values from `inputs`. If one variable is left, it takes the caller's last user message, and the text replaces that message; of
 * a message of parts it takes the text, and the other parts stay where they are. If none is left, the text is a system message
 * before the caller's, or the user message when the caller has none.
 */
export function composeMessages(template: string, given: unknown, inputs: Row, takes?: Provider['parts']): Message[] {
  const messages = readMessages(given, takes)
  const missing = variablesOf(template).filter((name) => inputs[name] === undefined || inputs[name] === null)
  const lastUser = messages.findLastIndex(({ role }) => role === 'user')
  const last = messages[lastUser]
  const [variable] = missing
  if (variable === undefined) {
    const content = fillTemplate(template, inputs, 'the request')
    if (messages.length === 0) return [{ role: 'user', content }]
    return [{ role: 'system', content }, ...messages]
  }
  const asked = textIn(last?.content)
  if (missing.length > 1 || asked === undefined) {
    throw invalidInput(`The prompt reads ${missing.map((name) => `"${name}"`).join(' and ')}.`, {
      name: variable,
      hint:
        missing.length > 1
          ? 'Send them under "inputs"; one may be left to the last user message.'
          : 'Send it under "inputs", or as the text of the last user message.',
    })
  }
  const text = fillTemplate(template, { ...inputs, [variable]: asked }, 'the request')
  return messages.with(lastUser, { role: 'user', ...last, content: withText(last?.content, text) })
}

/** The text of a message, or of its parts; undefined where it has none. */
function textIn(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  const texts = content.filter(isText).map(({ text }) => text)
  return texts.length === 0 ? undefined : texts.join('\n')
}

/** The content with its text replaced, in the place of its first part of text. */
function withText(content: unknown, text: string): unknown {
  if (!Array.isArray(content) || content.every(isText)) return text
  const first = content.findIndex(isText)
  return content.flatMap((part: unknown, index) => {
    if (index === first) return [{ type: 'text', text }]
    return isText(part) ? [] : [part]
  })
}

function isText(part: unknown): part is { type: 'text'; text: string } {
  return isPart(part) && part.type === 'text' && typeof part['text'] === 'string'
}

function isPart(part: unknown): part is Part {
  return typeof part === 'object' && part !== null && 'type' in part && typeof part.type === 'string'
}

function readMessages(given: unknown, takes: Provider['parts']): Message[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) throw invalidInput('"messages" must be a list.', { name: 'messages' })
  return given.map((message: unknown, index) => {
    const role = typeof message === 'object' && message !== null && 'role' in message ? message.role : undefined
    if (typeof role !== 'string')
      throw invalidInput(`"messages[${index}]" must be an object with a "role".`, { name: `messages[${index}]` })
    const read = message as Message
    checkParts(read.content, `messages[${index}].content`, takes)
    return read
  })
}

/** Parts of text are always taken; the others as the spec says, and where it says nothing the provider decides. */
function checkParts(content: unknown, path: string, takes: Provider['parts']): void {
  if (!Array.isArray(content)) return
  for (const [index, part] of content.entries()) {
    const name = `${path}[${index}]`
    if (!isPart(part)) throw invalidInput(`"${name}" must be an object with a "type".`, { name })
    if (part.type === 'text' || part.type === 'refusal' || takes === undefined) continue
    if (takes.some((type) => type === part.type)) continue
    throw invalidInput(`"${name}" is a part of the type "${part.type.slice(0, 40)}", which is not taken here.`, {
      name,
      hint: `Taken are ${['text', ...takes].join(', ')}: "serves.provider.parts" in the spec.`,
    })
  }
}
