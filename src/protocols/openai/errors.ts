import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AppError } from '../../core/errors.ts'
import { asAppError, retryAfter } from '../../http/problems.ts'

/** The `type` of OpenAI's error object, by status; its clients decide by it and by the status. */
function typeOf({ status }: AppError): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 404) return 'not_found_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'api_error'
}

/** `{"error": {"message", "type", "code", "param"}}`, as OpenAI's clients expect it. */
export function sendError(request: FastifyRequest, reply: FastifyReply, thrown: Error): FastifyReply {
  const error = asAppError(thrown)
  retryAfter(reply, error)
  if (error.status >= 500) request.log.error({ err: thrown, requestId: request.id }, thrown.message)
  const message =
    error.code === 'internal' ? 'Something unexpected happened.' : [error.message, error.hint].filter(Boolean).join(' ')
  const code = error.code === 'budget_exceeded' ? 'insufficient_quota' : error.code
  return reply
    .code(error.status)
    .type('application/json')
    .send(JSON.stringify({ error: { message, type: typeOf(error), code, param: error.offender ?? null } }))
}
