import type { FastifyRequest } from 'fastify'
import type { Context } from '../core/context.ts'
import { invalidInput } from '../core/errors.ts'

const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/
const deadlineHeader = 'x-deadline-ms'

/** The trace that the caller's request belongs to, by W3C Trace Context; one that is not valid is ignored. */
export function traceIdOf({ headers }: FastifyRequest): string | undefined {
  const given = headers['traceparent']
  return typeof given === 'string' ? traceparent.exec(given)?.[1] : undefined
}

/** `x-deadline-ms`: how many milliseconds the caller still waits. */
export function deadlineOf({ headers }: FastifyRequest, ctx: Context): number | undefined {
  const given = headers[deadlineHeader]
  if (given === undefined) return undefined
  const milliseconds = typeof given === 'string' && /^[0-9]{1,9}$/.test(given) ? Number(given) : 0
  if (milliseconds > 0) return ctx.clock.elapsed() + milliseconds
  throw invalidInput(`"${deadlineHeader}" must be a whole number of milliseconds above zero.`, { name: deadlineHeader })
}
