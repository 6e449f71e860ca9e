import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from 'undici'
import type { Context } from '../context.ts'
import { AppError } from '../errors.ts'
import type { Settle } from './breaker.ts'
import type { Deadline } from './deadline.ts'
import type { Request } from './exchange.ts'
import { broken, codeOf, ejected, late, unsent } from './failure.ts'
import { choose, type Instance } from './instances.ts'
import type { RetryBudget } from './retry-budget.ts'

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

export type Service = { name: string; instances: Instance[]; budget: RetryBudget }

type Way<T> = {
  deadline: Deadline
  send(pool: Pool, request: Request): Promise<T>
  /** Of an answer that is not passed on. */
  discard(reply: T): unknown
}

const jitterMilliseconds = 25
const retryable = new Set([502, 503, 504])

/** The first answer that is worth passing on, from the first attempt or from the second; the caller settles it. */
export async function attempt<T extends { status: number }>(
  ctx: Context,
  { name, instances, budget }: Service,
  call: UpstreamCall,
  { deadline, send, discard }: Way<T>,
): Promise<{ reply: T; settle: Settle }> {
  const ends = ctx.clock.elapsed() + call.timeoutMilliseconds
  budget.deposit()
  let failed: Instance | undefined
  for (let attempt = 1; ; attempt++) {
    const chosen = choose(ctx, instances, failed)
    if (!chosen) throw ejected(name, instances)
    const mayRepeat = () => attempt === 1 && !deadline.passed() && budget.withdraw()
    const { instance, settle } = chosen
    try {
      const reply = await send(instance.pool, {
        method: call.method,
        path: `${instance.url.pathname.replace(/\/$/, '')}${call.path}`,
        headers: { ...call.headers, 'x-deadline-ms': String(Math.max(1, Math.floor(ends - ctx.clock.elapsed()))) },
        body: call.body ?? null,
      })
      if (!(retryable.has(reply.status) && call.idempotent && mayRepeat())) return { reply, settle }
      await discard(reply)
      settle('failed')
    } catch (error) {
      const unreached = unsent.has(codeOf(error))
      settle(call.signal?.aborted ? 'unknown' : unreached ? 'unreached' : 'failed')
      if (deadline.passed()) throw late(name, call.signal, error)
      if (error instanceof AppError || !(call.idempotent || unreached) || !mayRepeat()) throw broken(name, error)
    }
    failed = instance
    await pause(ctx.random() * jitterMilliseconds)
  }
}
