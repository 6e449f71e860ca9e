import { createHmac } from 'node:crypto'
import { hour } from '../../core/duration.ts'

/** First try, then seven more: the last about three quarters of an hour after the first. */
export const maximumAttempts = 8
const baseMilliseconds = 1_000
const growth = 3
const maxMilliseconds = hour

/** `delivery.*` means everything below `delivery`; `*` everything. */
export function matches(patterns: readonly string[], name: string): boolean {
  return patterns.some(
    (pattern) =>
      pattern === '*' || pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1))),
  )
}

/**
 * `v1,` and the base64 HMAC-SHA256 over `<id>.<timestamp>.<body>`. A secret of the form `whsec_<base64>` stands for the
 * bytes it encodes, any other for its UTF-8 text.
 */
export function signatureOf(secret: string, { id, timestamp, body }: { id: string; timestamp: string; body: string }) {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

export type Answer = { status: number; retryAfter?: string | undefined } | { failure: string; temporary: boolean }

type Verdict =
  | { state: 'delivered' | 'failed'; error: string | null }
  | { state: 'pending'; error: string; delay: number }

/** What an answer means: taken, not wanted, or to be tried again after `delay` milliseconds. `random` is in [0, 1). */
export function judge(answer: Answer, attempts: number, random: number): Verdict {
  const error = 'failure' in answer ? answer.failure : `The receiver answered ${answer.status}.`
  if ('status' in answer && answer.status >= 200 && answer.status < 300) return { state: 'delivered', error: null }
  const temporary = 'failure' in answer ? answer.temporary : answer.status === 429 || answer.status >= 500
  if (!temporary || attempts >= maximumAttempts) return { state: 'failed', error }
  const backoff = baseMilliseconds * growth ** (attempts - 1) * (0.5 + random / 2)
  const asked = 'status' in answer ? Number(answer.retryAfter ?? 0) * 1_000 : 0
  const delay = Math.max(backoff, Number.isFinite(asked) ? asked : 0)
  return { state: 'pending', error, delay: Math.round(Math.min(delay, maxMilliseconds)) }
}
