import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AppError } from '../../core/errors.ts'
import { asAppError, retryAfter, toProblem } from '../../http/problems.ts'

/** An empty message where everything was taken; else how many spans were not, and what was wrong with the first. */
export async function taken(rejected: readonly AppError[], format: 'json' | 'protobuf'): Promise<string | Buffer> {
  const [first] = rejected
  if (!first) return format === 'json' ? '{}' : Buffer.alloc(0)
  const message = { partialSuccess: { rejectedSpans: String(rejected.length), errorMessage: first.message } }
  if (format === 'json') return JSON.stringify(message)
  const { encode } = await import('./messages.ts')
  return Buffer.from(encode('ExportTraceServiceResponse', message))
}

/** The codes of gRPC by the status of HTTP. */
const grpcCodes: Record<number, number> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  409: 10,
  413: 8,
  415: 3,
  429: 8,
  500: 13,
  503: 14,
}
const unknown = 2

/** A refusal as the standard has it: a Status in the format of the request; beside it, in JSON, the fields of every problem. */
export async function sendStatus(request: FastifyRequest, reply: FastifyReply, given: Error): Promise<FastifyReply> {
  const error = asAppError(given)
  retryAfter(reply, error)
  if (error.status >= 500) request.log.error({ err: error.cause ?? error, requestId: request.id }, error.message)
  const problem = toProblem(error, request.id)
  const status = { code: grpcCodes[error.status] ?? unknown, message: problem.detail }
  reply.code(error.status)
  if (!/protobuf/i.test(request.headers['content-type'] ?? ''))
    return reply.type('application/json').send({ ...problem, ...status })
  const { encode } = await import('./messages.ts')
  return reply.type('application/x-protobuf').send(Buffer.from(encode('RpcStatus', status)))
}
