import type { Readable } from 'node:stream'
import type { Context } from '../context.ts'
import { attempt, type Service, type UpstreamCall } from './attempt.ts'
import type { Outcome } from './breaker.ts'
import { startDeadline } from './deadline.ts'
import { exchange, flat, type Reply } from './exchange.ts'
import { type InstanceOptions, type InstanceState, openInstances, stateOf } from './instances.ts'
import { createRetryBudget } from './retry-budget.ts'

export type UpstreamReply = Reply
export type UpstreamStream = { status: number; headers: Record<string, string>; body: Readable }

/** One service elsewhere, as one or several instances that answer alike. */
export type Upstream = {
  /** Any status that the service itself chose is an answer; what no instance answers is an error. */
  call(call: UpstreamCall, maximumBytes?: number): Promise<UpstreamReply>
  /** The body as it comes; destroying it ends the call. */
  stream(call: UpstreamCall): Promise<UpstreamStream>
  state(): InstanceState[]
  close(): Promise<void>
}

const defaultMaximumBytes = 16 * 1024 * 1024

export async function openUpstream(ctx: Context, options: InstanceOptions): Promise<Upstream> {
  const instances = await openInstances(ctx, options)
  const name = options.urls.map((url) => new URL(url).host).join(', ')
  const service = { name, instances, budget: createRetryBudget() }
  return {
    call: (call, maximumBytes = defaultMaximumBytes) => whole(ctx, service, call, maximumBytes),
    stream: (call) => streamed(ctx, service, call),
    state: () => instances.map(stateOf),
    async close() {
      await Promise.all(instances.map(({ pool }) => pool.destroy()))
    },
  }
}

async function whole(ctx: Context, service: Service, call: UpstreamCall, bytes: number): Promise<UpstreamReply> {
  const deadline = startDeadline(call.timeoutMilliseconds, call.signal)
  try {
    const { reply, settle } = await attempt(ctx, service, call, {
      deadline,
      send: (pool, request) => exchange(pool, request, deadline, { bytes, name: service.name }),
      discard: () => undefined,
    })
    settle(outcomeOf(reply.status))
    return reply
  } finally {
    deadline.clear()
  }
}

/** It is known how the call went when the body is over, or was destroyed. */
async function streamed(ctx: Context, service: Service, call: UpstreamCall): Promise<UpstreamStream> {
  const deadline = startDeadline(call.timeoutMilliseconds, call.signal)
  const gone = new AbortController()
  deadline.whenPassed(() => gone.abort())
  const { reply, settle } = await attempt(ctx, service, call, {
    deadline,
    async send(pool, request) {
      const { statusCode, headers, body } = await pool.request({ ...request, signal: gone.signal })
      return { status: statusCode, headers: flat(headers), body }
    },
    discard: ({ body }) => body.dump(),
  }).catch((error: unknown) => {
    deadline.clear()
    throw error
  })
  let outcome: Outcome = 'unknown'
  reply.body.once('end', () => {
    outcome = outcomeOf(reply.status)
  })
  reply.body.once('error', () => {
    outcome = call.signal?.aborted ? 'unknown' : 'failed'
  })
  reply.body.once('close', () => {
    deadline.clear()
    settle(outcome)
  })
  return reply
}

function outcomeOf(status: number): Outcome {
  return status < 500 || status === 501 ? 'answered' : 'failed'
}
