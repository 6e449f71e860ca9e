import type { Static } from 'typebox'
import type { Follower } from '../../../core/background/background.ts'
import { afterCommit, type Context, liveValue } from '../../../core/context.ts'
import { notFound } from '../../../core/errors.ts'
import * as evaluation from '../../evaluation/evaluation.ts'
import * as registry from '../../registry/registry.ts'
import type { Routing as RoutingSchema } from '../contract.ts'
import { append } from '../events.ts'
import * as store from '../store.ts'
import { followSpec, type LoadedVersion, loadVersion } from './loading.ts'

export type Routing = Static<typeof RoutingSchema>

/** What the gateway reads: one immutable snapshot per endpoint, swapped whole. */
type State = { routes: Map<string, Routing>; loaded: Map<string, LoadedVersion> }

export const state = (ctx: Context) =>
  liveValue(ctx, 'serving.state', (): State => ({ routes: new Map(), loaded: new Map() }))

const keyOf = (endpoint: string, version: number) => `${endpoint}@${version}`

export function loadedVersion(ctx: Context, endpoint: string, version: number): LoadedVersion | undefined {
  return state(ctx).loaded.get(keyOf(endpoint, version))
}

/** Loads every version that a routing names, so that switching to it later costs nothing. */
export async function prepareRouting(ctx: Context, routing: Omit<Routing, 'revision'>): Promise<void> {
  const { endpoint } = routing
  for (const { version } of namedBy(routing)) {
    const key = keyOf(endpoint, version)
    const known = state(ctx).loaded.get(key)
    if (known) known.neededAt = ctx.clock.elapsed()
    else state(ctx).loaded.set(key, await loadVersion(ctx, endpoint, version))
  }
}

function namedBy({ live, canary, shadow, warm }: Omit<Routing, 'revision'>): { version: number }[] {
  return [live, canary, shadow, ...warm].filter((target) => target !== null)
}

/** Writes who answers what, in the caller's transaction; the gateway switches in the instant after the commit. */
export async function setRouting(ctx: Context, routing: Omit<Routing, 'revision'>): Promise<Routing> {
  const old = await store.findRoute(ctx, routing.endpoint)
  const next: Routing = { ...routing, revision: Number(old?.revision ?? 0) + 1 }
  await store.saveRoute(ctx, { endpoint: next.endpoint, revision: next.revision, routing: next })
  await append(ctx, 'serving.routing_changed', `model/${next.endpoint}`, { ...next })
  afterCommit(ctx, () => swap(ctx, next))
  return next
}

function swap(ctx: Context, routing: Routing): void {
  const { routes } = state(ctx)
  if ((routes.get(routing.endpoint)?.revision ?? 0) >= routing.revision) return
  routes.set(routing.endpoint, routing)
  unloadLater(ctx, routing.endpoint)
}

/**
 * What no routing names stays loaded for a while: requests may be inside it, and somebody may have prepared it for a
 * routing that is being written at this moment.
 */
const graceMilliseconds = 30_000

function unloadLater(ctx: Context, endpoint: string): void {
  const timers = liveValue(ctx, 'serving.unloading', () => new Map<string, NodeJS.Timeout>())
  clearTimeout(timers.get(endpoint))
  const timer = setTimeout(() => unload(ctx, endpoint), graceMilliseconds + 1)
  timer.unref()
  timers.set(endpoint, timer)
}

function unload(ctx: Context, endpoint: string): void {
  const { routes, loaded } = state(ctx)
  const routing = routes.get(endpoint)
  if (!routing) return
  const named = new Set(namedBy(routing).map(({ version }) => version))
  for (const [key, entry] of loaded) {
    if (!key.startsWith(`${endpoint}@`) || named.has(entry.version)) continue
    if (ctx.clock.elapsed() - entry.neededAt < graceMilliseconds) {
      unloadLater(ctx, endpoint)
      continue
    }
    loaded.delete(key)
    entry.runtime.close().catch((error: unknown) => ctx.log.warn({ err: error }, 'closing a model failed'))
  }
}

export async function getRouting(ctx: Context, endpoint: string): Promise<Routing | undefined> {
  const row = await store.findRoute(ctx, endpoint)
  return row?.routing
}

export async function listRoutings(ctx: Context): Promise<Routing[]> {
  return (await store.listRoutes(ctx)).map(({ routing }) => routing)
}

/** From memory: what the gateway of this server does right now. */
export function currentRouting(ctx: Context, endpoint: string): Routing | undefined {
  return state(ctx).routes.get(endpoint)
}

export function requireRouting(ctx: Context, endpoint: string): Routing {
  const routing = currentRouting(ctx, endpoint)
  if (!routing)
    throw notFound('Endpoint', endpoint, `Release a version first: keel release ${endpoint}@<version> --reason "…".`)
  return routing
}

const following = (ctx: Context) => liveValue(ctx, 'serving.following', () => new Set<string>())

/**
 * Reads all routes; at start, and when another server changed one. What is loaded already (a rollback, an abort) is
 * followed at once; what has to be loaded first holds back nothing else, not even when it cannot be loaded.
 */
export async function followRoutes(ctx: Context): Promise<void> {
  const rows = await store.listRoutes(ctx)
  const changed = rows
    .filter(({ endpoint, revision }) => (state(ctx).routes.get(endpoint)?.revision ?? 0) < revision)
    .map(({ routing }) => routing)
  const waiting = changed.filter((routing) => {
    if (!isLoaded(ctx, routing)) return !following(ctx).has(routing.endpoint)
    swap(ctx, routing)
    return false
  })
  await Promise.all(waiting.map((routing) => loadThenSwap(ctx, routing)))
}

function isLoaded(ctx: Context, routing: Routing): boolean {
  return namedBy(routing).every(({ version }) => loadedVersion(ctx, routing.endpoint, version) !== undefined)
}

async function loadThenSwap(ctx: Context, routing: Routing): Promise<void> {
  const { endpoint } = routing
  following(ctx).add(endpoint)
  try {
    await prepareRouting(ctx, routing)
    swap(ctx, routing)
  } catch (error) {
    ctx.log.error({ err: error, endpoint, revision: routing.revision }, 'a routing cannot be followed')
  } finally {
    following(ctx).delete(endpoint)
  }
}

/** A new price table counts from the next answer on. */
export async function refreshPrices(ctx: Context): Promise<void> {
  const { prices } = await evaluation.getPrices(ctx)
  for (const loaded of state(ctx).loaded.values()) loaded.prices = prices
}

/** Limits, log and bounds on cost of a new spec count from the next request on; nothing is loaded for it. */
export async function refreshSpecs(ctx: Context): Promise<void> {
  const entries = [...state(ctx).loaded].map(([key, loaded]) => ({ model: key.slice(0, key.lastIndexOf('@')), loaded }))
  const models = [...new Set(entries.map(({ model }) => model))]
  const versions = await registry.specVersions(ctx, { models })
  for (const { model, loaded } of entries)
    if (versions.get(model) !== loaded.specVersion) await followSpec(ctx, model, loaded)
}

/** Four times within the second that a rollback or a new spec may take to reach every server. */
export const routes: Follower = { name: 'routes', every: 250, apply: followRoutes }
export const specs: Follower = { name: 'specs', every: 250, apply: refreshSpecs }
export const prices: Follower = { name: 'prices', every: 5_000, apply: refreshPrices }

export async function stopRouting(ctx: Context): Promise<void> {
  const unloading = ctx.live.get('serving.unloading') as Map<string, NodeJS.Timeout> | undefined
  for (const timer of unloading?.values() ?? []) clearTimeout(timer)
  for (const { runtime } of state(ctx).loaded.values()) await runtime.close()
  state(ctx).loaded.clear()
}
