import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from 'undici'
import type { Context } from '../context.ts'
import { checkDestination, guardedLookup } from '../egress/egress.ts'
import { AppError } from '../errors.ts'
import { type Breaker, createBreaker, type Outcome, type Settle } from './breaker.ts'
import { type Deadline, startDeadline } from './deadline.ts'
import { exchange, flat, type Reply, type Request } from './exchange.ts'
import { createRetryBudget } from './retry-budget.ts'

export type UpstreamCall = {
  method: 'GET' | 'POST'
  /** Below the instance's own path, such as `/v2/models/m/infer`. */
  path: string
  headers: Record<string, string>
  body?: string | Uint8Array
  /** For all of it, the second attempt included; the rest of it is passed on as `x-deadline-ms`. */
  timeoutMilliseconds: number
  signal?: AbortSignal | undefined
  /** Asking twice does no harm. Anything else is repeated only when nothing was sent. */
  idempotent: boolean
}

export type UpstreamReply = Reply
export type UpstreamStream = { status: number; headers: Record<string, string>; body: Readable }
export type InstanceState = {
  url: string
  state: 'closed' | 'open' | 'probing'
  inFlight: number
  ejections: number
}

/** One service elsewhere, as one or several instances that answer alike. */
export type Upstream = {
  /** Any status that the service itself chose is an answer; what no instance answers is an error. */
  call(call: UpstreamCall, maximumBytes?: number): Promise<UpstreamReply>
  /** The body as it comes; destroying it ends the call. */
  stream(call: UpstreamCall): Promise<UpstreamStream>
  state(): InstanceState[]
  close(): Promise<void>
}

type Options = {
  /** Instances; http and https. */
  urls: string[]
  /** This server started it itself, so that its address needs no leave. */
  own?: boolean
  connectMilliseconds?: number
  connections?: number
}

type Instance = { url: URL; pool: Pool; breaker: Breaker; inFlight: number }

const defaults = { connectMilliseconds: 1_000, connections: 128, maximumBytes: 16 * 1024 * 1024 }
const jitterMilliseconds = 25
const retryable = new Set([502, 503, 504])
/** Nothing was sent when these happen, so that another attempt cannot do anything twice. */
const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

export async function openUpstream(ctx: Context, options: Options): Promise<Upstream> {
  const { urls, own = false, connectMilliseconds = defaults.connectMilliseconds } = options
  const { connections = defaults.connections } = options
  const { buildConnector, Pool } = await import('undici')
  const instances = urls.map((text): Instance => {
    const url = own ? new URL(text) : checkDestination(ctx, text)
    const lookup = own ? {} : { lookup: guardedLookup(ctx, url) }
    const connect = buildConnector({ ...lookup, timeout: connectMilliseconds })
    const pool = new Pool(url.origin, { connect, connections, pipelining: 1, bodyTimeout: 0, headersTimeout: 0 })
    return { url, pool, breaker: createBreaker({ elapsed: ctx.clock.elapsed, random: ctx.random }), inFlight: 0 }
  })
  const budget = createRetryBudget()
  const name = urls.map((url) => new URL(url).host).join(', ')

  /** One that may be probed first, else the least busy one. */
  function choose(not: Instance | undefined): { instance: Instance; settle: Settle } | undefined {
    const order = [...instances].sort(
      (a, b) => rank(a) - rank(b) || a.inFlight - b.inFlight || (ctx.random() < 0.5 ? -1 : 1),
    )
    const others = order.filter((instance) => instance !== not)
    for (const instance of [...others, ...(not ? [not] : [])]) {
      const settle = instance.breaker.admit()
      if (settle) return { instance, settle }
    }
    return undefined
  }

  type Asked<T> = { reply: T; settle: Settle; instance: Instance }

  /** The first answer that is worth passing on, from the first attempt or from the second. */
  async function attempt<T extends { status: number }>(
    call: UpstreamCall,
    deadline: Deadline,
    { send, discard }: { send(pool: Pool, request: Request): Promise<T>; discard(reply: T): unknown },
  ): Promise<Asked<T>> {
    const ends = ctx.clock.elapsed() + call.timeoutMilliseconds
    budget.deposit()
    let failed: Instance | undefined
    for (let attempt = 1; ; attempt++) {
      const chosen = choose(failed)
      if (!chosen) throw ejected()
      const mayRepeat = () => attempt === 1 && !deadline.passed() && budget.withdraw()
      const { instance, settle } = chosen
      instance.inFlight += 1
      try {
        const reply = await send(instance.pool, {
          method: call.method,
          path: `${instance.url.pathname.replace(/\/$/, '')}${call.path}`,
          headers: { ...call.headers, 'x-deadline-ms': String(Math.max(1, Math.floor(ends - ctx.clock.elapsed()))) },
          body: call.body ?? null,
        })
        if (!(retryable.has(reply.status) && call.idempotent && mayRepeat())) return { reply, settle, instance }
        await discard(reply)
        settle('failed')
        instance.inFlight -= 1
      } catch (error) {
        instance.inFlight -= 1
        const unreached = unsent.has(codeOf(error))
        settle(call.signal?.aborted ? 'unknown' : unreached ? 'unreached' : 'failed')
        if (deadline.passed()) throw late(call, error)
        if (error instanceof AppError || !(call.idempotent || unreached) || !mayRepeat()) throw broken(error)
      }
      failed = instance
      await pause(ctx.random() * jitterMilliseconds)
    }
  }

  function ejected(): AppError {
    const wait = Math.min(...instances.map(({ breaker }) => breaker.waitsFor()))
    return new AppError('not_ready', `Nothing at ${name} answers; it is not asked for a while.`, {
      name,
      retryAfterSeconds: wait / 1_000,
    })
  }

  function late(call: UpstreamCall, cause: unknown): AppError {
    if (call.signal?.aborted) return new AppError('interrupted', `The call to ${name} was given up.`, { name, cause })
    return new AppError('deadline_exceeded', `${name} did not answer in time.`, { name, cause })
  }

  function broken(cause: unknown): AppError {
    if (cause instanceof AppError) return cause
    return new AppError(
      'upstream_failed',
      `The connection to ${name} failed (${codeOf(cause) || 'no reason given'}).`,
      {
        name,
        cause,
      },
    )
  }

  return {
    async call(call, maximumBytes = defaults.maximumBytes) {
      const deadline = startDeadline(call.timeoutMilliseconds, call.signal)
      try {
        const { reply, settle, instance } = await attempt(call, deadline, {
          send: (pool, request) => exchange(pool, request, deadline, { bytes: maximumBytes, name }),
          discard: () => undefined,
        })
        settle(outcomeOf(reply.status))
        instance.inFlight -= 1
        return reply
      } finally {
        deadline.clear()
      }
    },
    async stream(call) {
      const deadline = startDeadline(call.timeoutMilliseconds, call.signal)
      const gone = new AbortController()
      deadline.whenPassed(() => gone.abort())
      const { reply, settle, instance } = await attempt(call, deadline, {
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
        instance.inFlight -= 1
      })
      return reply
    },
    state: () =>
      instances.map(({ url, breaker, inFlight }) => ({
        url: url.href,
        state: breaker.state(),
        inFlight,
        ejections: breaker.ejections(),
      })),
    async close() {
      await Promise.all(instances.map(({ pool }) => pool.destroy()))
    },
  }
}

function outcomeOf(status: number): Outcome {
  return status < 500 || status === 501 ? 'answered' : 'failed'
}

/** Whether a call failed before anything of it was sent. */
export function neverSent(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'not_ready' || unsent.has(codeOf(error.cause)))
}

const ranks = { probing: 0, closed: 1, open: 2 }
function rank({ breaker }: Instance): number {
  return ranks[breaker.state()]
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
