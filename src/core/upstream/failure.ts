import { AppError } from '../errors.ts'
import type { Instance } from './instances.ts'

/** Nothing was sent when these happen, so that another attempt cannot do anything twice. */
export const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Whether a call failed before anything of it was sent. */
export function neverSent(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'not_ready' || unsent.has(codeOf(error.cause)))
}

export function ejected(name: string, instances: Instance[]): AppError {
  const wait = Math.min(...instances.map(({ breaker }) => breaker.waitsFor()))
  return new AppError('not_ready', `Nothing at ${name} answers; it is not asked for a while.`, {
    name,
    retryAfterSeconds: wait / 1_000,
  })
}

export function late(name: string, signal: AbortSignal | undefined, cause: unknown): AppError {
  if (signal?.aborted) return new AppError('interrupted', `The call to ${name} was given up.`, { name, cause })
  return new AppError('deadline_exceeded', `${name} did not answer in time.`, { name, cause })
}

export function broken(name: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  const reason = codeOf(cause) || 'no reason given'
  return new AppError('upstream_failed', `The connection to ${name} failed (${reason}).`, { name, cause })
}
