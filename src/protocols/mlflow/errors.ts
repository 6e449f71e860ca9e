import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError, type ErrorCode } from '../../core/errors.ts'
import { asAppError } from '../../http/problems.ts'

/** The codes that MLflow's clients branch on, with their status. */
const statuses = {
  INVALID_PARAMETER_VALUE: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  BAD_REQUEST: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_DOES_NOT_EXIST: 404,
  ENDPOINT_NOT_FOUND: 404,
  INTERNAL_ERROR: 500,
  NOT_IMPLEMENTED: 501,
  TEMPORARILY_UNAVAILABLE: 503,
} as const

export type MlflowCode = keyof typeof statuses

export class MlflowError extends Error {
  readonly code: MlflowCode
  readonly status: number

  constructor(code: MlflowCode, message: string, status: number = statuses[code]) {
    super(message)
    this.name = 'MlflowError'
    this.code = code
    this.status = status
  }
}

export function invalid(message: string): MlflowError {
  return new MlflowError('INVALID_PARAMETER_VALUE', message)
}

export function missing(message: string): MlflowError {
  return new MlflowError('RESOURCE_DOES_NOT_EXIST', message)
}

export function exists(message: string): MlflowError {
  return new MlflowError('RESOURCE_ALREADY_EXISTS', message)
}

/** Our codes in MLflow's words. What a caller did wrong is never a 5xx: its clients would retry it for minutes. */
const words: Partial<Record<ErrorCode, MlflowCode>> = {
  not_found: 'RESOURCE_DOES_NOT_EXIST',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  untrusted_origin: 'PERMISSION_DENIED',
  refused_by_policy: 'PERMISSION_DENIED',
  needs_approval: 'PERMISSION_DENIED',
  not_supported: 'NOT_IMPLEMENTED',
  not_ready: 'TEMPORARILY_UNAVAILABLE',
}

function toMlflow(error: AppError): MlflowError {
  const message = error.hint === undefined ? error.message : `${error.message} ${error.hint}`
  if (error.code === 'internal') return new MlflowError('INTERNAL_ERROR', 'Something unexpected happened.')
  if (error.status >= 500) return new MlflowError(words[error.code] ?? 'INTERNAL_ERROR', message)
  return new MlflowError(words[error.code] ?? 'INVALID_PARAMETER_VALUE', message)
}

export function sendError(request: FastifyRequest, reply: FastifyReply, thrown: Error): FastifyReply {
  const error = thrown instanceof MlflowError ? thrown : toMlflow(asAppError(thrown))
  if (error.status >= 500 && error.code !== 'NOT_IMPLEMENTED')
    request.log.error({ err: thrown, requestId: request.id }, thrown.message)
  return reply
    .code(error.status)
    .type('application/json')
    .header('x-content-type-options', 'nosniff')
    .send(JSON.stringify({ error_code: error.code, message: error.message }))
}

/** Says what a lookup did not find in the words that clients compare. */
export async function orSay<T>(lookup: Promise<T>, code: ErrorCode, error: () => MlflowError): Promise<T> {
  try {
    return await lookup
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === code) throw error()
    throw thrown
  }
}
