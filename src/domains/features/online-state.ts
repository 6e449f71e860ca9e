import { isDeepStrictEqual } from 'node:util'
import type { Follower } from '../../core/background/background.ts'
import { type Context, liveValue } from '../../core/context.ts'
import { milliseconds } from '../../core/duration.ts'
import { type AppError, notFound, toAppError } from '../../core/errors.ts'
import { fromLake } from '../../core/lake.ts'
import * as datasets from '../datasets/datasets.ts'
import { loadDefinitions } from './definitions.ts'
import { keyNames, keyTypes, requestKey } from './key-types.ts'
import { type Answer, createOnlineView, type OnlineView } from './online-view.ts'
import { type Definitions, type ResolvedService, resolveService } from './rules.ts'

type OnlineFeatureView = { name: string; source: string; view: OnlineView; longest: number | undefined }

type State = {
  /** Counts builds as they begin: what one read may be older than what a later one did. */
  build: number
  definitions: Definitions
  services: Map<string, ResolvedService>
  views: Map<string, OnlineFeatureView>
  /** The newest row of each source that the views have seen. */
  seen: Map<string, number>
  /** How many rows of each source had been removed when its views were built. */
  removed: Map<string, number>
  /** The sources that could not be read, with the reason; their views answer with it. */
  unreadable: Map<string, AppError>
  /** Rows of a source that arrive before it is known up to which row its views are filled from disk. */
  early: Map<string, datasets.StoredRow[]>
}

const empty = (): State => ({
  build: 0,
  definitions: { entities: [], views: [], services: [] },
  services: new Map(),
  views: new Map(),
  seen: new Map(),
  removed: new Map(),
  unreadable: new Map(),
  early: new Map(),
})

type Holder = {
  state: State
  /** States that are being built, and take what arrives meanwhile as the present one does. */
  next: Set<State>
  server: Context | undefined
  builds: number
  building: boolean
}

const holder = (ctx: Context) =>
  liveValue(
    ctx,
    'features.online',
    (): Holder => ({ state: empty(), next: new Set(), server: undefined, builds: 0, building: false }),
  )

/**
 * Builds the state from what is on disk and keeps it up to date; called at start and when definitions change. Of builds
 * that overlap the one that began last stays: it has seen every change that the others have.
 */
export async function warmUp(ctx: Context): Promise<void> {
  const held = holder(ctx)
  listen(ctx, held)
  held.builds += 1
  const build = held.builds
  const state: State = { ...empty(), build, definitions: await loadDefinitions(ctx) }
  held.next.add(state)
  try {
    await fill(ctx, state)
    if (held.state.build < build) held.state = state
  } finally {
    held.next.delete(state)
  }
}

function listen(ctx: Context, held: Holder): void {
  if (held.server) return
  held.server = ctx
  datasets.onAppend(ctx, (source, rows) => {
    for (const state of [held.state, ...held.next]) absorb(state, source, rows)
  })
  datasets.onRemoval(ctx, () => rebuild(ctx))
}

async function fill(ctx: Context, state: State): Promise<void> {
  const { definitions } = state
  for (const service of definitions.services)
    state.services.set(service.name, resolveService(definitions, service.name))
  for (const view of definitions.views) {
    const { definition } = await datasets.describeSource(ctx, view.source)
    const entity = definitions.entities.find(({ name }) => name === view.entity)
    const keys = entity
      ? { names: keyNames(entity), types: keyTypes(definitions, entity) }
      : { names: [], types: new Map() }
    const windows = (view.aggregates ?? []).map(({ window }) => milliseconds(window))
    state.views.set(view.name, {
      name: view.name,
      source: view.source,
      view: createOnlineView(view, keys, definition.time ?? '_ingested_at', definition.known_at),
      longest: (view.features ?? []).length > 0 ? undefined : Math.max(...windows),
    })
  }
  for (const source of new Set(definitions.views.map((view) => view.source))) await loadOrName(ctx, state, source)
}

/** Definitions changed: the state is built anew beside the old one, then swapped. */
export function rebuild(ctx: Context): void {
  const { server } = holder(ctx)
  if (server)
    warmUp(server).catch((error: unknown) => ctx.log.error({ err: error }, 'building the online features failed'))
}

/** Other servers append rows and apply definitions. */
export const onlineFeatures: Follower = {
  name: 'online features',
  every: 500,
  async apply(ctx) {
    const held = holder(ctx)
    const changed = await Promise.all([...held.state.removed.keys()].map((source) => follow(ctx, held.state, source)))
    if (held.building) return
    if (!changed.includes(true) && isDeepStrictEqual(await loadDefinitions(ctx), held.state.definitions)) return
    held.building = true
    await warmUp(ctx).finally(() => {
      held.building = false
    })
  },
}

/** Takes what arrived; true when rows were removed, so that the views have to be built anew. */
async function follow(ctx: Context, state: State, source: string): Promise<boolean> {
  const { lastSeq, rows } = await datasets.describeSource(ctx, source)
  if (lastSeq - rows !== state.removed.get(source)) return true
  if (!state.unreadable.has(source)) await loadOrName(ctx, state, source)
  return false
}

/** A source whose rows cannot be read keeps nothing else from being served. */
async function loadOrName(ctx: Context, state: State, source: string): Promise<void> {
  try {
    await load(ctx, state, source)
  } catch (error) {
    const reason = toAppError(error)
    state.seen.delete(source)
    state.early.delete(source)
    state.unreadable.set(source, reason)
    ctx.log.error({ err: error, source }, 'the online features of a source that cannot be read are not served')
  }
}

async function load(ctx: Context, state: State, source: string): Promise<void> {
  if (!state.seen.has(source)) state.early.set(source, [])
  const { lastSeq, rows, definition } = await datasets.describeSource(ctx, source)
  state.removed.set(source, lastSeq - rows)
  const after = state.seen.get(source) ?? 0
  state.seen.set(source, Math.max(after, lastSeq))
  const early = state.early.get(source) ?? []
  state.early.delete(source)
  absorb(state, source, early)
  if (lastSeq <= after) return
  const views = [...state.views.values()].filter((watched) => watched.source === source)
  const longest = views.some(({ longest }) => longest === undefined)
    ? undefined
    : Math.max(...views.map(({ longest }) => longest ?? 0))
  const condition =
    longest === undefined || definition.time === undefined
      ? 'true'
      : `epoch_ms("${definition.time.replaceAll('"', '""')}") >= ${ctx.now().getTime() - longest}`
  await datasets.withSource(ctx, { source, afterSeq: after, uptoSeq: lastSeq }, async (lake, table) => {
    for (const row of await lake.query(`select * from ${table} where ${condition} order by _seq`)) {
      const plain = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, fromLake(value)]))
      for (const { view } of views) view.add(Number(row['_seq']), plain)
    }
  })
}

function absorb(state: State, source: string, rows: datasets.StoredRow[]): void {
  const seen = state.seen.get(source)
  if (seen === undefined) {
    state.early.get(source)?.push(...rows)
    return
  }
  const views = [...state.views.values()].filter((watched) => watched.source === source)
  for (const { seq, row } of rows) {
    if (seq <= seen) continue
    for (const { view } of views) view.add(seq, row)
  }
  state.seen.set(source, Math.max(seen, rows.at(-1)?.seq ?? seen))
}

type Lookup = { service: string; request: Record<string, unknown>; at: Date }
type Values = Record<string, number | string | null>

type OnlineValues = {
  values: Values
  status: Record<string, Answer['status']>
  /** Feature -> since when its value could be known (epoch milliseconds); a feature without a row is not in it. */
  knownAt: Record<string, number>
}

/** The values of a service at a moment, from memory alone. */
export function lookupOnline(ctx: Context, { service, request, at }: Lookup): OnlineValues {
  const { state } = holder(ctx)
  const resolved = state.services.get(service)
  if (!resolved) throw notFound('Feature service', service, 'List them with "keel features list".')
  const values: Values = {}
  const status: Record<string, Answer['status']> = {}
  const knownAt: Record<string, number> = {}
  const types = new Map(resolved.views.flatMap((view) => [...view.types]))
  for (const { name } of resolved.request) {
    const given = types.has(name) ? requestKey(request[name], name, types.get(name)) : request[name]
    const exact = typeof given === 'bigint' ? String(given) : given
    values[name] = typeof exact === 'number' || typeof exact === 'string' ? exact : null
    status[name] = values[name] === null ? 'NULL_VALUE' : 'PRESENT'
  }
  for (const { view, keys, features } of resolved.views) {
    const unreadable = state.unreadable.get(view.source)
    if (unreadable) throw unreadable
    const online = state.views.get(view.name)
    const identity = keys.map((key) => request[key])
    for (const feature of features) {
      const answer = online?.view.answer(feature, identity, at.getTime()) ?? {
        value: null,
        status: 'NOT_FOUND' as const,
        knownAt: null,
      }
      values[feature] = answer.value
      status[feature] = answer.status
      if (answer.knownAt !== null) knownAt[feature] = answer.knownAt
    }
  }
  return { values, status, knownAt }
}
