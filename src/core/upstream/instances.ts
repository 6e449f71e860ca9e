import type { Pool } from 'undici'
import type { Context } from '../context.ts'
import { checkDestination, guardedLookup } from '../egress/egress.ts'
import { type Breaker, createBreaker, type Settle } from './breaker.ts'

export type Instance = { url: URL; pool: Pool; breaker: Breaker; inFlight: number }

export type InstanceState = {
  url: string
  state: 'closed' | 'open' | 'probing'
  inFlight: number
  ejections: number
}

export type InstanceOptions = {
  /** Instances; http and https. */
  urls: string[]
  /** This server started it itself, so that its address needs no leave. */
  own?: boolean
  connectMilliseconds?: number
  connections?: number
}

export async function openInstances(ctx: Context, options: InstanceOptions): Promise<Instance[]> {
  const { urls, own = false, connectMilliseconds = 1_000, connections = 128 } = options
  const { buildConnector, Pool } = await import('undici')
  return urls.map((text) => {
    const url = own ? new URL(text) : checkDestination(ctx, text)
    const lookup = own ? {} : { lookup: guardedLookup(ctx, url) }
    const connect = buildConnector({ ...lookup, timeout: connectMilliseconds })
    const pool = new Pool(url.origin, { connect, connections, pipelining: 1, bodyTimeout: 0, headersTimeout: 0 })
    return { url, pool, breaker: createBreaker({ elapsed: ctx.clock.elapsed, random: ctx.random }), inFlight: 0 }
  })
}

/** One that may be probed first, else the least busy one; it is busy with the call until that is settled. */
export function choose(
  { random }: Context,
  instances: Instance[],
  not: Instance | undefined,
): { instance: Instance; settle: Settle } | undefined {
  const order = [...instances].sort((a, b) => rank(a) - rank(b) || a.inFlight - b.inFlight || (random() < 0.5 ? -1 : 1))
  const others = order.filter((instance) => instance !== not)
  for (const instance of [...others, ...(not ? [not] : [])]) {
    const settle = instance.breaker.admit()
    if (!settle) continue
    instance.inFlight += 1
    return {
      instance,
      settle(outcome) {
        instance.inFlight -= 1
        settle(outcome)
      },
    }
  }
  return undefined
}

const ranks = { probing: 0, closed: 1, open: 2 }
function rank({ breaker }: Instance): number {
  return ranks[breaker.state()]
}

export function stateOf({ url, breaker, inFlight }: Instance): InstanceState {
  return { url: url.href, state: breaker.state(), inFlight, ejections: breaker.ejections() }
}
