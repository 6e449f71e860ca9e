const longest = 1000

/** What a list of traces shows of inputs or outputs: the last message of the role, else all of it, as MLflow's server does. */
export function previewOf(value: unknown, role: 'user' | 'assistant'): string {
  const text = lastMessage(value, role) || (typeof value === 'string' ? value : pythonJson(value))
  return text.length <= longest ? text : `${text.slice(0, longest - 3)}...`
}

function lastMessage(value: unknown, role: string): string {
  const messages = messagesIn(value)
  const chosen = messages.findLast((message) => message['role'] === role) ?? messages.at(-1)
  return chosen === undefined ? '' : textOf(chosen['content'])
}

/** Messages of the chat protocol and of the responses protocol, asked and answered. */
function messagesIn(value: unknown): Record<string, unknown>[] {
  if (!isRecord(value)) return []
  const { messages, choices, input, output, request } = value
  if (Array.isArray(messages) && messages.length > 0) return messages.filter(isMessage)
  const [first] = Array.isArray(choices) ? (choices as unknown[]) : []
  if (isRecord(first) && isMessage(first['message'])) return [first['message']]
  for (const list of [input, output]) if (Array.isArray(list) && list.length > 0) return list.filter(isMessage)
  return messagesIn(request)
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  for (const part of content as unknown[]) {
    if (typeof part === 'string') return part
    if (isRecord(part) && (part['type'] === 'text' || part['type'] === 'output_text')) return String(part['text'] ?? '')
  }
  return ''
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isMessage = (value: unknown): value is Record<string, unknown> =>
  isRecord(value) && 'role' in value && 'content' in value

/** JSON with blanks where Python writes them, and with every digit of an integer. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (isRecord(value)) {
    const pairs = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${pythonJson(one)}`)
    return `{${pairs.join(', ')}}`
  }
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null)
}
