import { createHash } from 'node:crypto'
import { asObject, type Json } from './reply.ts'

/** What the log keeps of a request: texts, which it redacts by its own rules, and of images, sounds and files what they were. */
export function described(body: Json): Json {
  const { messages, prompt, input, inputs } = body
  const texts = Object.entries({ messages: withoutBytes(messages), prompt, input }).filter(
    ([, value]) => value !== undefined,
  )
  const asText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  return { ...asObject(inputs), ...Object.fromEntries(texts.map(([name, value]) => [name, asText(value)])) }
}

function withoutBytes(messages: unknown): unknown {
  if (!Array.isArray(messages)) return messages
  return messages.map((message: unknown) => {
    const { content } = asObject(message)
    return Array.isArray(content) ? { ...asObject(message), content: content.map(describePart) } : message
  })
}

const texts = new Set(['text', 'refusal'])

function describePart(part: unknown): unknown {
  const { type } = asObject(part)
  if (typeof type !== 'string' || texts.has(type)) return part
  return { type, ...dataIn(asObject(part)[type]) }
}

const dataUrl = /^data:([^;,]*)[^,]*?(;base64)?,/

/** Type, size and digest of bytes that are sent along; of an address, the address without what follows its path. */
function dataIn(value: unknown): Json {
  const held = asObject(value)
  const given = [value, held['url'], held['data'], held['file_data']].find((one) => typeof one === 'string') ?? ''
  const text = String(given)
  const [head = '', media] = dataUrl.exec(text) ?? []
  if (head === '' && /^https?:/i.test(text)) return { url: text.replace(/[?#].*$/s, '').slice(0, 500) }
  const format = media ?? held['format']
  const bytes = Buffer.from(text.slice(head.length), head !== '' && !head.endsWith(';base64,') ? 'utf8' : 'base64')
  return {
    ...(typeof format === 'string' && format !== '' ? { media: format.slice(0, 100) } : {}),
    ...(typeof held['file_id'] === 'string' ? { file: held['file_id'] } : {}),
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }
}
