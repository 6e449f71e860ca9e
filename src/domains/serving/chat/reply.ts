import type { Readable } from 'node:stream'
import { readBody } from '../../../core/egress/egress.ts'
import { AppError } from '../../../core/errors.ts'
import * as registry from '../../registry/registry.ts'
import type { Tokens } from '../log/log.ts'
import { type Said, saidBy } from './said.ts'

export type Json = Record<string, unknown>
export type Path = '/chat/completions' | '/completions' | '/embeddings'

type Asked = { path: Path; body: Json }

/** Says in replies of protocols that have no place for it what is to be said of the answers. */
export const marksHeader = 'x-keel-marks'

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
  const isCallers = registry.statusesOfRequest.includes(status) && said.length > 0
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

/** What was answered and the tokens that were counted; anything that is not an answer of the protocol is an error. */
export function readAnswer(said: Buffer, { path, body }: Asked, release: string): Said & { tokens: Tokens | null } {
  const garbage = () =>
    new AppError('upstream_failed', `What answers "${release}" did not answer in OpenAI's protocol.`, { name: release })
  if (!isJson(said)) throw garbage()
  const reply = asObject(JSON.parse(said.toString('utf8')))
  const usage = asObject(reply['usage'])
  const [input, output] = [usage['prompt_tokens'], usage['completion_tokens'] ?? 0]
  const tokens = typeof input === 'number' && typeof output === 'number' ? { input, output } : null
  if (path === '/embeddings') {
    if (!Array.isArray(reply['data'])) throw garbage()
    return { text: `[${reply['data'].length} embeddings]`, marks: reply['data'].map(marksOfVector), tokens }
  }
  if (!Array.isArray(reply['choices']) || reply['choices'].length === 0) throw garbage()
  const choices = reply['choices'].map((choice: unknown) => registry.choiceOf(asObject(choice)))
  return { ...saidBy(choices, offersTools(body)), tokens }
}

export function offersTools({ tools, functions }: Json): boolean {
  return [tools, functions].some((offered) => Array.isArray(offered) && offered.length > 0)
}

/** Vectors come as numbers, or packed as a text. */
function marksOfVector(entry: unknown): registry.AnswerMark[] {
  const { embedding } = asObject(entry)
  if (typeof embedding === 'string' && embedding !== '') return []
  if (!Array.isArray(embedding) || embedding.length === 0) return ['empty']
  return embedding.every((value) => typeof value === 'number' && Number.isFinite(value)) ? [] : ['not_a_number']
}
