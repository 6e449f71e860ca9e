import type { Static } from 'typebox'
import type { Follower } from '../../../core/background/background.ts'
import { afterCommit, type Context, liveValue } from '../../../core/context.ts'
import { notFound } from '../../../core/errors.ts'
import * as evaluation from '../../evaluation/evaluation.ts'
import * as registry from '../../registry/registry.ts'
import type { Endpoint, Routing as RoutingSchema } from '../contract.ts'
import { append } from '../events.ts'
import * as store from '../store.ts'
import { followSpec, type LoadedVersion } from './loading.ts'
import { type Failure, keepOpening, keyOf, openVersion, stopOpening, versionsOf } from './opening.ts'

export type Routing = Static<typeof RoutingSchema>
type Target = Pick<Routing['live'], 'release' | 'version'>
type NotLoaded = Static<typeof Endpoint>['notLoaded'][number]

/** What the gateway reads: one immutable snapshot per endpoint, swapped whole. */
export const routesOf = (ctx: Context) => liveValue(ctx, 'serving.routes', () => new Map<string, Routing>())

export function loadedVersion(ctx: Context, endpoint: string, version: number): LoadedVersion | undefined {
  return versionsOf(ctx).loaded.get(keyOf(endpoint, version))
}

/** Why a version that was to answer could not be started; undefined of one that is loaded, or loading for the first time. */
export function failureOf(ctx: Context, endpoint: string, version: number): Failure | undefined {
  return versionsOf(ctx).failed.get(keyOf(endpoint, version))
}

/**
 * Loads every version that a routing names, so that switching to it later costs nothing. What cannot be started and answers no
 * more than before (it stays live, or becomes what is left) is no reason not to switch.
 */
export async function prepareRouting(ctx: Context, routing: Omit<Routing, 'revision'>): Promise<void> {
  const { endpoint, live, warm } = routing
  const before = routesOf(ctx).get(endpoint)
  for (const target of namedBy(routing)) {
    const stays = target === live ? before?.live.version === live.version : warm.includes(target)
    if (stays && failureOf(ctx, endpoint, target.version)) continue
    await openVersion(ctx, endpoint, target.version)
  }
}

function namedBy({ live, canary, shadow, warm }: Omit<Routing, 'revision'>): Target[] {
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
  const routes = routesOf(ctx)
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
  const { loaded } = versionsOf(ctx)
  const routing = routesOf(ctx).get(endpoint)
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
  return routesOf(ctx).get(endpoint)
}

export function requireRouting(ctx: Context, endpoint: string): Routing {
  const routing = currentRouting(ctx, endpoint)
  if (!routing)
    throw notFound('Endpoint', endpoint, `Release a version first: keel release ${endpoint}@<version> --reason "…".`)
  return routing
}

/**
 * At start: every route is followed at once, and its versions load beside each other. Whoever asks for one that is still loading
 * is told so. What starts a process may take minutes, and nothing waits for it; of the others, the first attempt is awaited.
 */
export async function startRoutes(ctx: Context): Promise<void> {
  const routings = await listRoutings(ctx)
  for (const routing of routings) swap(ctx, routing)
  await Promise.all(
    routings.flatMap((routing) => distinct(namedBy(routing)).map((target) => start(ctx, routing, target))),
  )
}

async function start(ctx: Context, { endpoint }: Routing, target: Target): Promise<void> {
  const { version } = target
  const isNamed = () => namedNow(ctx, endpoint).some((named) => named.version === version)
  const slow = await registry.startsProcess(ctx, { model: endpoint, version })
  const started = keepOpening(ctx, { endpoint, target, isNamed })
  if (!slow) await started
}

function namedNow(ctx: Context, endpoint: string): Target[] {
  const routing = currentRouting(ctx, endpoint)
  return routing ? namedBy(routing) : []
}

/** A version once, whichever releases are of it. */
function distinct(targets: Target[]): Target[] {
  return targets.filter(({ version }, index) => targets.findIndex((one) => one.version === version) === index)
}

/** What is to answer and has not been loaded yet, or could not be. */
export function notLoaded(ctx: Context, routing: Routing): NotLoaded[] {
  const { endpoint } = routing
  return distinct(namedBy(routing))
    .filter(({ version }) => loadedVersion(ctx, endpoint, version) === undefined)
    .map(({ release, version }) => {
      const failure = failureOf(ctx, endpoint, version)
      return { release, version, state: failure ? 'failed' : 'loading', reason: failure?.error.message ?? null }
    })
}

/** Whether every live version has been started once, or could not be: what fails is stood in for, and keeps nobody away. */
export function isStarted(ctx: Context): boolean {
  return [...routesOf(ctx).values()].every(
    ({ endpoint, live: { version } }) =>
      loadedVersion(ctx, endpoint, version) !== undefined || failureOf(ctx, endpoint, version) !== undefined,
  )
}

const following = (ctx: Context) => liveValue(ctx, 'serving.following', () => new Set<string>())

/**
 * Reads all routes when another server changed one. What is loaded already (a rollback, an abort) is
 * followed at once; what has to be loaded first holds back nothing else, not even when it cannot be loaded.
 */
export async function followRoutes(ctx: Context): Promise<void> {
  const rows = await store.listRoutes(ctx)
  const changed = rows
    .filter(({ endpoint, revision }) => (currentRouting(ctx, endpoint)?.revision ?? 0) < revision)
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
  for (const loaded of versionsOf(ctx).loaded.values()) loaded.prices = prices
}

/** Limits, log and bounds on cost of a new spec count from the next request on; nothing is loaded for it. */
export async function refreshSpecs(ctx: Context): Promise<void> {
  const entries = [...versionsOf(ctx).loaded].map(([key, loaded]) => ({
    model: key.slice(0, key.lastIndexOf('@')),
    loaded,
  }))
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
  await stopOpening(ctx)
  const { loaded } = versionsOf(ctx)
  for (const { runtime } of loaded.values()) await runtime.close()
  loaded.clear()
}
