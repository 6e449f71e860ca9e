import type { AnswerMark } from '../answer-marks.ts'

/** One answer of a language model, read whole or gathered from the pieces of a stream. */
export type Choice = {
  text: string
  finish: string | null
  refusal: string
  /** Calls of tools, as they are logged. */
  calls: { name: string; arguments: string }[]
}

export type ReadChoice = {
  /** What it says: its text, or the calls that were asked for; null where there is nothing to use. */
  text: string | null
  marks: AnswerMark[]
}

const marksOfFinish: Record<string, AnswerMark> = {
  length: 'cut_off',
  max_tokens: 'cut_off',
  content_filter: 'filtered',
  refusal: 'refused',
}

/** What a language model answered, and what is to be said of it; who offered tools expects that they are called. */
export function readChoice({ text, finish, refusal, calls }: Choice, { tools }: { tools: boolean }): ReadChoice {
  const marks = new Set<AnswerMark>()
  const ended = marksOfFinish[finish ?? '']
  if (ended) marks.add(ended)
  if (refusal !== '') marks.add('refused')
  const called = calls.length > 0 || finish === 'tool_calls' || finish === 'function_call'
  if (called && !tools) marks.add('tool_call')
  if (text === '' && marks.size === 0 && !called) marks.add('empty')
  const said = text === '' && tools && calls.length > 0 ? JSON.stringify(calls) : text
  return { text: said === '' ? null : said, marks: [...marks] }
}

type Json = Record<string, unknown>

/** A choice of a whole reply, of chats or of completions. */
export function choiceOf(choice: Json): Choice {
  const message = asObject(choice['message'])
  return {
    text: textOf(choice['text'] ?? message['content']),
    finish: typeof choice['finish_reason'] === 'string' ? choice['finish_reason'] : null,
    refusal: textOf(message['refusal']),
    calls: callsOf(message),
  }
}

/** Adds a piece of a stream. */
export function addPiece(choice: Choice, piece: Json, mostText: number): void {
  const delta = asObject(piece['delta'])
  const text = textOf(piece['text'] ?? delta['content'])
  if (choice.text.length < mostText) choice.text += text
  choice.refusal += choice.refusal.length < mostText ? textOf(delta['refusal']) : ''
  if (typeof piece['finish_reason'] === 'string') choice.finish = piece['finish_reason']
  for (const call of callsOf(delta)) {
    const begins = call.name !== '' || choice.calls.length === 0
    const last = choice.calls.at(-1)
    if (begins) choice.calls.push(call)
    else if (last && last.arguments.length < mostText) last.arguments += call.arguments
  }
}

export function emptyChoice(): Choice {
  return { text: '', finish: null, refusal: '', calls: [] }
}

/** The text of a content: a string, or the parts of text in a list. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => textOf(asObject(part)['text'])).join('')
}

function callsOf(message: Json): Choice['calls'] {
  const given = Array.isArray(message['tool_calls']) ? message['tool_calls'] : []
  const old = message['function_call'] === undefined ? [] : [{ function: message['function_call'] }]
  return [...given, ...old].flatMap((call: unknown) => {
    const asked = asObject(asObject(call)['function'])
    if (Object.keys(asked).length === 0) return []
    return [{ name: textOf(asked['name']), arguments: textOf(asked['arguments']) }]
  })
}

function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}
