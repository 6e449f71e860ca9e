import { join, resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { api } from './contract.ts'
import { checkWrites, createWorker, follow, reclaimAll, type Worker } from './core/background/background.ts'
import { type Clock, realClock, simulatedClock } from './core/clock.ts'
import type { Config } from './core/config.ts'
import type { Context } from './core/context.ts'
import { type Database, migrate, openDatabase } from './core/database/database.ts'
import { sortableId } from './core/ids.ts'
import { openLake } from './core/lake.ts'
import { type FolderLock, lockFolder } from './core/lock.ts'
import { createLogger } from './core/log.ts'
import { stopOnnxThreads } from './core/onnx/onnx.ts'
import { emptyScratch } from './core/scratch.ts'
import { openBlobs } from './core/storage/storage.ts'
import { localKey, resolveSession, resolveToken } from './domains/access/access.ts'
import { keepSimulated, provideAddress, provideWorker, savedClock } from './domains/system/system.ts'
import { doors } from './doors.ts'
import { events } from './events.ts'
import { fileSchemaRoutes } from './http/file-schemas.ts'
import { openApiRoutes } from './http/openapi-routes.ts'
import { createServer } from './http/server.ts'
import { isLoopback } from './http/trust.ts'
import { webApp } from './http/web-app.ts'
import { jobs } from './jobs.ts'
import { migrations } from './migrations.ts'
import { mlflowRoutes } from './protocols/mlflow/mlflow.ts'
import { oipRoutes } from './protocols/oip/oip.ts'
import { openaiRoutes } from './protocols/openai/openai.ts'
import { otlpRoutes } from './protocols/otlp/otlp.ts'
import { prometheusMetrics } from './protocols/prometheus/prometheus.ts'
import { measureRequests } from './protocols/prometheus/requests.ts'
import { scoringRoutes } from './protocols/scoring/scoring.ts'
import { signInRoutes } from './protocols/sign-in/sign-in.ts'
import { exportTelemetry } from './protocols/telemetry/telemetry.ts'
import { onChange, onEvent, onJob, onJobEnd, onStart, onStop } from './reactions.ts'

export type App = {
  ctx: Context
  server: FastifyInstance
  worker: Worker
  /** Starts answering; returns the address. `passing`: only for as long as a command takes. */
  listen(options?: { port?: number; passing?: boolean }): Promise<string>
  close(): Promise<void>
}

type Options = { config: Config; root: string; clock?: Clock; checkReplies?: boolean; bodyPatience?: number }

/** Config to a running server: the only place that constructs things. `root` is the project's folder. */
export async function createApp({ config, root, clock, checkReplies, bodyPatience }: Options): Promise<App> {
  const folder = resolve(root, config.data)
  const embedded = config.database === ''
  const lock: FolderLock = lockFolder(folder)
  let database: Database | undefined
  try {
    emptyScratch(folder)
    database = await openDatabase(embedded ? join(folder, 'keel.db') : config.database)
    await migrate(database, migrations)
    const live = new Map<string, unknown>()
    const base: Context = {
      config,
      root,
      folder,
      engine: database.engine,
      db: database.db,
      blobs: await openBlobs(config, folder),
      lake: openLake({ memoryLimit: config.memory }),
      clock: realClock,
      log: createLogger(config.log),
      actor: { name: 'keel', role: 'admin', kind: 'local' },
      cause: 'server',
      requestId: 'server',
      agent: undefined,
      traceId: undefined,
      deadline: undefined,
      now: () => new Date(),
      id: (prefix) => sortableId(new Date(), prefix),
      random: Math.random,
      commitHooks: undefined,
      live,
    }
    const chosen = clock ?? (await clockOf(base))
    const ctx: Context = { ...base, clock: chosen, now: () => chosen.now() }
    if (checkReplies) checkWrites(ctx)
    if (embedded) await reclaimAll(ctx)
    const worker = createWorker(ctx, { events, jobs, reactions: onEvent, handlers: onJob, endings: onJobEnd })
    provideWorker(ctx, worker)
    for (const step of onStart) await step(ctx)
    const unfollow = follow(ctx, onChange)
    const plugins = [
      openApiRoutes,
      fileSchemaRoutes,
      mlflowRoutes,
      otlpRoutes,
      oipRoutes,
      openaiRoutes,
      scoringRoutes,
      signInRoutes,
      prometheusMetrics,
      webApp,
    ]
    const server = await createServer({
      ctx,
      api,
      doors,
      plugins,
      instruments: [measureRequests, exportTelemetry],
      resolveToken,
      resolveSession,
      ...(checkReplies === undefined ? {} : { checkReplies }),
      ...(bodyPatience === undefined ? {} : { bodyPatience }),
    })
    return running({ ctx, server, worker, database, lock, unfollow })
  } catch (error) {
    await database?.close()
    lock.release()
    throw error
  }
}

/** A folder that was started with a simulated clock stays a replay: its time never jumps to the present. */
async function clockOf(ctx: Context): Promise<Clock> {
  if (ctx.config.clock === 'simulated') await keepSimulated(ctx)
  const saved = await savedClock(ctx)
  return saved ? simulatedClock(saved) : realClock
}

type Parts = {
  ctx: Context
  server: FastifyInstance
  worker: Worker
  database: Database
  lock: FolderLock
  unfollow: () => void
}

function running({ ctx, server, worker, database, lock, unfollow }: Parts): App {
  let closed: Promise<void> | undefined

  /** Ends everything, also when one part cannot end well: a full disk must not keep the folder locked. */
  async function close(): Promise<void> {
    const steps = [
      () => server.close(),
      () => worker.stop(),
      unfollow,
      ...onStop.map((step) => () => step(ctx)),
      () => stopOnnxThreads(ctx),
      () => ctx.lake.close(),
      () => ctx.blobs.close?.(),
      () => database.close(),
      () => lock.release(),
    ]
    const failures: unknown[] = []
    for (const step of steps) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, 'Closing failed in several parts.')
  }

  return {
    ctx,
    server,
    worker,
    async listen({ port, passing = false } = {}) {
      await server.listen({ host: ctx.config.host, port: port ?? Number(ctx.config.port) })
      const bound = server.addresses().find((address) => typeof address !== 'string')
      const host = isLoopback(ctx.config.host) ? ctx.config.host : 'localhost'
      const url = `http://${host}:${bound?.port ?? 0}`
      lock.announce({ url, passing, key: localKey(ctx) })
      provideAddress(ctx, url)
      worker.start()
      return url
    },
    close() {
      closed ??= close()
      return closed
    },
  }
}
