import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { spentToday } from './budget/budget.ts'
import type { serving } from './contract.ts'
import { counters, droppedShadows } from './gateway/gateway.ts'
import { droppedRecords } from './log/log.ts'
import { loadedVersion, notLoaded, type Routing, requireRouting, routesOf } from './routing/routing.ts'

type Operations = typeof serving

type Endpoint = Output<Operations['getEndpoint']>

export function listEndpoints(ctx: Context): Output<Operations['listEndpoints']> {
  return { items: [...routesOf(ctx).keys()].sort().map((endpoint) => getEndpoint(ctx, { endpoint })) }
}

export function getEndpoint(ctx: Context, { endpoint }: Input<Operations['getEndpoint']>): Endpoint {
  const routing = requireRouting(ctx, endpoint)
  const own = [...counters(ctx)].filter(([release]) => release.startsWith(`${endpoint}.`)).map(([, entry]) => entry)
  return {
    name: endpoint,
    routing,
    ready: loadedVersion(ctx, endpoint, routing.live.version)?.runtime.state().ready ?? false,
    requests: own.reduce((sum, { requests }) => sum + requests, 0),
    dropped: droppedRecords(ctx),
    stoodIn: own.reduce((sum, { stoodIn }) => sum + stoodIn, 0),
    shadowsDropped: droppedShadows(ctx),
    spentToday: spentToday(ctx, endpoint),
    versions: versionsOf(ctx, routing),
    notLoaded: notLoaded(ctx, routing),
    inputs: (loadedVersion(ctx, endpoint, routing.live.version)?.rows.request ?? []).map(({ name, type }) => ({
      name,
      type,
    })),
  }
}

function versionsOf(ctx: Context, { endpoint, live, canary, shadow, warm }: Routing): Endpoint['versions'] {
  const targets = [live, canary, shadow, ...warm].filter((target) => target !== null)
  return targets.flatMap(({ release, version }) => {
    const loaded = loadedVersion(ctx, endpoint, version)
    return loaded ? [{ release, version, ...loaded.runtime.state(), ...loaded.lane.state() }] : []
  })
}
