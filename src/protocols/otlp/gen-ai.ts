import { exactJson } from '../../core/json/json.ts'

type Attributes = Record<string, unknown>
type Said = {
  inputs?: Record<string, unknown>
  output?: string
  release?: string
  tokens?: { input: number; output: number }
  marks?: ('cut_off' | 'filtered' | 'tool_call')[]
}

/** Spans around a call, such as those of an agent or a tool, repeat what the call's own span says. */
const calls = new Set(['chat', 'text_completion', 'generate_content', 'response'])

/** The model that was asked, as its spec may name it: what answered goes first, for providers say there which day's model it was. */
export function genAiNames(own: Attributes): string[] {
  // Spans of a server like this one: what they tell of is in its own log.
  if (own['keel.endpoint'] !== undefined) return []
  const operation = own['gen_ai.operation.name']
  if (operation !== undefined && !(typeof operation === 'string' && calls.has(operation))) return []
  return [own['gen_ai.response.model'], own['gen_ai.request.model']].filter((name) => typeof name === 'string')
}

/** A call of a language model as a prediction: the last question, the answer, tokens, and how it ended. */
export function genAiPrediction(own: Attributes): Said {
  const [name] = genAiNames(own)
  if (name === undefined) return {}
  const question = lastText(own['gen_ai.input.messages'] ?? own['mlflow.spanInputs'])
  const answers = own['gen_ai.output.messages'] ?? own['mlflow.spanOutputs']
  const output = lastText(answers)
  const [input, out] = [count(own['gen_ai.usage.input_tokens']), count(own['gen_ai.usage.output_tokens'])]
  const marks = marksOf([own['gen_ai.response.finish_reasons'], finishReasons(answers)].flat())
  return {
    ...(question === undefined ? {} : { inputs: { question } }),
    ...(output === undefined ? {} : { output }),
    // A release is a name: what is no letter or digit of one becomes a dash.
    release: name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, ''),
    ...(input === undefined && out === undefined ? {} : { tokens: { input: input ?? 0, output: out ?? 0 } }),
    ...(marks.length === 0 ? {} : { marks }),
  }
}

function count(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && number >= 0 ? number : undefined
}

const isRecord = (value: unknown): value is Attributes =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The text of the last message, by OpenTelemetry's parts and by the chat protocol's content; of anything else, its JSON. */
function lastText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  const message = Array.isArray(value) ? (value as unknown[]).at(-1) : value
  if (!isRecord(message)) return exactJson(value)
  const parts = message['parts'] ?? message['content']
  if (typeof parts === 'string') return parts
  if (!Array.isArray(parts)) return exactJson(value)
  const texts = (parts as unknown[]).flatMap((part) => {
    if (typeof part === 'string') return [part]
    const text = isRecord(part) ? (part['content'] ?? part['text']) : undefined
    return typeof text === 'string' ? [text] : []
  })
  return texts.join('\n')
}

function finishReasons(messages: unknown): unknown[] {
  return Array.isArray(messages)
    ? (messages as unknown[]).map((message) => (isRecord(message) ? message['finish_reason'] : undefined))
    : []
}

const marksOfReasons = {
  length: 'cut_off',
  max_tokens: 'cut_off',
  content_filter: 'filtered',
  tool_call: 'tool_call',
  tool_calls: 'tool_call',
} as const

function marksOf(reasons: unknown[]): NonNullable<Said['marks']> {
  const found = reasons.flatMap((reason) =>
    typeof reason === 'string' && Object.hasOwn(marksOfReasons, reason)
      ? [marksOfReasons[reason as keyof typeof marksOfReasons]]
      : [],
  )
  return [...new Set(found)]
}
