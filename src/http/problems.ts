import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { catalogue } from '../core/error-catalogue.ts'
import { AppError, type ErrorCode, toAppError } from '../core/errors.ts'

/** RFC 9457 problem details, with the stable code, the offending name and a hint as extension members. */
export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  name?: string
  hint?: string
  issues?: { path: string; message: string }[]
  requestId: string
}

export function toProblem(error: AppError, requestId: string): Problem {
  const { title, status } = catalogue[error.code]
  return {
    type: `urn:evenkeel:error:${error.code}`,
    title,
    status,
    detail: error.code === 'internal' ? 'The server logged what happened under this request id.' : error.message,
    code: error.code,
    ...(error.offender === undefined ? {} : { name: error.offender }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.issues === undefined ? {} : { issues: error.issues }),
    requestId: requestId,
  }
}

/** Errors of the HTTP layer itself, by their status, in our words. */
const ofTransport: Record<number, ErrorCode> = {
  400: 'invalid_input',
  413: 'too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
}

const maxMessageLength = 300

export function asAppError(error: FastifyError | AppError | Error): AppError {
  if (error instanceof AppError) return error
  const status = 'statusCode' in error ? error.statusCode : undefined
  const code = status === undefined ? undefined : ofTransport[status]
  if (code === 'too_large')
    return new AppError(code, 'The body is larger than this path takes.', {
      hint: 'Send fewer rows at once; whole files go through "keel predict <endpoint> --input <file>".',
      cause: error,
    })
  if (code === 'unsupported_media_type')
    return new AppError(code, 'This content type is not read here.', { hint: 'Send application/json.', cause: error })
  if (code) return new AppError(code, error.message.slice(0, maxMessageLength), { cause: error })
  return toAppError(error)
}

/** Tells a caller when to come again; every protocol's error handler calls it. */
export function retryAfter(reply: FastifyReply, { retryAfterSeconds }: AppError): void {
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterSeconds))))
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  retryAfter(reply, error)
  if (error.status >= 500) request.log.error({ err: error.cause ?? error, requestId: request.id }, error.message)
  return reply.code(error.status).type('application/problem+json').send(toProblem(error, request.id))
}
