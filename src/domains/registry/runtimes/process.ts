import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { AppError } from '../../../core/errors.ts'
import { openUpstream, type Upstream } from '../../../core/upstream/upstream.ts'
import type { Limits, Run } from '../spec/spec.ts'
import type { VersionRecord } from '../store.ts'
import { type Child, memoryOf, startChild } from './child.ts'
import { dialects } from './dialects.ts'
import { openModelFolder } from './files.ts'
import { predictRemotely } from './remote.ts'
import type { Runtime } from './runtime.ts'

type ProcessOptions = { run: Run; limits: Limits | undefined }

const defaultStart = '60s'
const readyPause = 100
const memoryEvery = 1_000
const firstPause = 500
const maxPause = 60_000
/** A process that ran this long before it ended is not in a crash loop. */
const steadyMilliseconds = 60_000
const unitBytes: Record<string, number> = { MB: 1024 ** 2, GB: 1024 ** 3 }

/** Opens a version in a process of its own, which is watched, restarted with growing pauses, and ended with the server. */
export async function openProcess(ctx: Context, row: VersionRecord, { run, limits }: ProcessOptions): Promise<Runtime> {
  const name = `${row.model}@${row.version}`
  const files = row.artifact === null ? undefined : await openModelFolder(ctx, row.artifact)
  const target = { speaks: run, model: run.model ?? row.model, limits, headers: {} }
  let closed = false
  let restarts = 0
  let inARow = 0
  let current: { child: Child; upstream: Upstream } | undefined
  let ready = false

  async function start(): Promise<void> {
    const port = await freePort()
    const values: Record<string, string> = {
      port: String(port),
      artifact: files?.folder ?? '',
      model: row.model,
      version: String(row.version),
    }
    const command = run.command.map((part) =>
      part.replaceAll(/\{(port|artifact|model|version)\}/g, (_, key) => values[key] ?? ''),
    )
    const address = `http://127.0.0.1:${port}`
    const child = startChild(ctx, { name, command, environment: run.environment ?? [] })
    const upstream = await openUpstream(ctx, { urls: [address], own: true })
    current = { child, upstream }
    const began = ctx.clock.elapsed()
    void child.ended.then((why) => ended(child, upstream, { why, ran: ctx.clock.elapsed() - began }))
    await untilReady(child, address, began)
    ready = true
    watchMemory(child)
  }

  async function untilReady(child: Child, address: string, began: number): Promise<void> {
    const path = run.ready ?? dialects[run.protocol].ready(target.model)
    const patience = milliseconds(run.start_within ?? defaultStart)
    while (ctx.clock.elapsed() - began < patience) {
      if (child.over) throw failed(`it ended before it was ready: ${child.tail()}`)
      if (await isReady(`${address}${path}`)) return
      await pause(readyPause)
    }
    child.end()
    throw failed(`it was not ready within ${run.start_within ?? defaultStart}: ${child.tail()}`)
  }

  function failed(why: string): AppError {
    return new AppError('upstream_failed', `The process of "${name}" failed: ${why}`, {
      name,
      hint: `Its command is "serves.run.command" in models/${row.model}.yaml.`,
    })
  }

  function ended(child: Child, upstream: Upstream, { why, ran }: { why: string; ran: number }): void {
    upstream.close().catch((error: unknown) => ctx.log.warn({ err: error }, 'closing connections failed'))
    if (closed || current?.child !== child) return
    const wasReady = ready
    ready = false
    if (!wasReady && restarts === 0) return
    ctx.log.error({ model: name, why, said: child.tail() }, 'the process of a model ended and is started again')
    inARow = ran > steadyMilliseconds ? 0 : inARow + 1
    restarts += 1
    void again()
  }

  async function again(): Promise<void> {
    const grown = Math.min(firstPause * 2 ** Math.max(0, inARow - 1), maxPause)
    await pause(grown * (0.5 + ctx.random() / 2), undefined, { ref: false })
    if (closed) return
    await start().catch((error: unknown) =>
      ctx.log.error({ err: error, model: name }, 'a process could not be started again'),
    )
  }

  function watchMemory(child: Child): void {
    const [, count, unit = ''] = /^([0-9]+)(MB|GB)$/.exec(run.memory ?? '') ?? []
    if (count === undefined) return
    const most = Number(count) * (unitBytes[unit] ?? 1)
    const timer = setInterval(() => {
      if (child.over) return clearInterval(timer)
      const used = memoryOf(child)
      if (used !== undefined && used > most) {
        ctx.log.error({ model: name, used, most }, 'the process of a model uses more memory than it may and is ended')
        child.end()
      }
    }, memoryEvery)
    timer.unref()
  }

  await start().catch(async (error: unknown) => {
    await files?.release()
    throw error
  })
  return {
    async predict(rows, asking = {}) {
      if (!current || !ready)
        throw new AppError('not_ready', `The process of "${name}" is being started again.`, {
          name,
          retryAfterSeconds: 1,
        })
      return predictRemotely(current.upstream, target, rows, asking)
    },
    state() {
      const memoryBytes = current && memoryOf(current.child)
      return { kind: 'process', ready, restarts, ...(memoryBytes === undefined ? {} : { memoryBytes }) }
    },
    async close() {
      closed = true
      ready = false
      current?.child.end()
      await current?.child.ended
      await files?.release()
    },
  }
}

async function isReady(address: string): Promise<boolean> {
  try {
    const reply = await fetch(address, { signal: AbortSignal.timeout(1_000) })
    await reply.body?.cancel()
    return reply.status === 200
  } catch {
    // Not ready yet; the caller decides how long to wait.
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<number>()
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    resolve(typeof address === 'object' && address ? address.port : 0)
  })
  const port = await promise
  await new Promise((done) => server.close(done))
  return port
}
