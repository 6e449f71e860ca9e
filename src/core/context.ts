import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { CoreTables, Engine } from './database/database.ts'
import type { Lake } from './lake.ts'
import type { Blobs } from './storage/storage.ts'

export type Role = 'viewer' | 'member' | 'admin'

/** What each role may, the next one too. */
export const roleRank: Record<Role, number> = { viewer: 1, member: 2, admin: 3 }

/**
 * Who asks. `local` is somebody on the server's own machine, `token` one of a person (`mara/laptop` where it is a
 * user's), `service` one of a program, `ci` a job that its platform vouches for.
 */
export type Actor = {
  name: string
  role: Role
  kind: 'local' | 'user' | 'token' | 'service' | 'ci' | 'nobody'
  /** The operations that it may call, also with a star at the end; without them all that the role allows. */
  scopes?: readonly string[]
  /** The session in a browser that asks. */
  session?: string
}

/** Everything an operation may use. A transaction is the same context with another `db`. */
export type Context = {
  readonly config: Config
  /** The project's folder: where its files are, where pipeline steps run. */
  readonly root: string
  /** The data folder, absolute. */
  readonly folder: string
  readonly engine: Engine
  readonly db: Kysely<CoreTables>
  readonly blobs: Blobs
  readonly lake: Lake
  readonly clock: Clock
  readonly log: Logger
  readonly actor: Actor
  /** The operation or reaction that runs; every event carries it. */
  readonly cause: string
  readonly requestId: string
  /** The program that asks, as it names itself. */
  readonly agent: string | undefined
  /** Of the W3C `traceparent` that came with the request, or of the span that this server made for it. */
  readonly traceId: string | undefined
  /** When the caller stops waiting (`clock.elapsed()`): nobody starts work after it. */
  readonly deadline: number | undefined
  /** Business time: simulated in a replay. */
  now(): Date
  /** A sortable identifier such as `run_01j…`. */
  id(prefix: string): string
  /** Uniform in [0, 1). */
  random(): number
  /** Set inside a transaction: what runs once it is on disk. */
  readonly commitHooks: (() => void)[] | undefined
  /** What the composition root hands on for the lifetime of the server, by key (routing tables, writers). */
  readonly live: Map<string, unknown>
}

/** Runs now, or once the surrounding transaction is on disk. Never runs when it rolls back. */
export function afterCommit(ctx: Context, run: () => void): void {
  if (ctx.commitHooks) ctx.commitHooks.push(run)
  else run()
}

/** One value per server and key, made at first use; it holds what must not outlive the process. */
export function liveValue<T>(ctx: Context, key: string, create: () => T): T {
  if (!ctx.live.has(key)) ctx.live.set(key, create())
  return ctx.live.get(key) as T
}
