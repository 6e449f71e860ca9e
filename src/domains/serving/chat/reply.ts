import type { Readable } from 'node:stream'
import { readBody } from '../../../core/egress/egress.ts'
import { AppError } from '../../../core/errors.ts'
import type { Tokens } from '../log/log.ts'

export type Json = Record<string, unknown>
export type Path = '/chat/completions' | '/completions' | '/embeddings'

export const maxAnswerLength = 16 * 1024 * 1024

export function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

export function readWhole(body: Readable): Promise<Buffer> {
  const tooLarge = () => new AppError('upstream_failed', `The answer is longer than ${maxAnswerLength} bytes.`)
  return readBody(body as AsyncIterable<Buffer>, maxAnswerLength, tooLarge)
}

/** What the caller did wrong is its own to read; who the server is to the provider is not. */
export function refusalOf(status: number, said: Buffer, release: string): AppError | undefined {
  const isCallers = [400, 404, 413, 415, 422].includes(status) && said.length > 0
  if (isCallers && isJson(said)) return undefined
  if (status === 429)
    return new AppError('not_ready', `What answers "${release}" has too many requests.`, {
      name: release,
      retryAfterSeconds: 1,
    })
  return new AppError('upstream_failed', `What answers "${release}" answered with status ${status}.`, { name: release })
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return true
  } catch {
    return false
  }
}

/** The first answer's text and the tokens that were counted; anything that is not an answer of the protocol is an error. */
export function readAnswer(said: Buffer, path: Path, release: string): { text: string; tokens: Tokens | null } {
  const garbage = () =>
    new AppError('upstream_failed', `What answers "${release}" did not answer in OpenAI's protocol.`, { name: release })
  if (!isJson(said)) throw garbage()
  const reply = asObject(JSON.parse(said.toString('utf8')))
  const usage = asObject(reply['usage'])
  const [input, output] = [usage['prompt_tokens'], usage['completion_tokens'] ?? 0]
  const tokens = typeof input === 'number' && typeof output === 'number' ? { input, output } : null
  if (path === '/embeddings') {
    if (!Array.isArray(reply['data'])) throw garbage()
    return { text: `[${reply['data'].length} embeddings]`, tokens }
  }
  if (!Array.isArray(reply['choices']) || reply['choices'].length === 0) throw garbage()
  const choice = asObject(reply['choices'][0])
  const text = choice['text'] ?? asObject(choice['message'])['content'] ?? ''
  return { text: typeof text === 'string' ? text : JSON.stringify(text), tokens }
}
