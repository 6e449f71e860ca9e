import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { AppError } from '../../../core/errors.ts'
import { openUpstream, type Upstream } from '../../../core/upstream/upstream.ts'
import type { Run } from '../spec/spec.ts'
import type { VersionRecord } from '../store.ts'
import { type Child, startChild } from './child.ts'
import { dialects } from './dialects.ts'

/** What a process is started for; `folder` holds the version's files and is empty where it has none, `from` says who named its command. */
export type ProcessToStart = { name: string; row: VersionRecord; run: Run; folder: string; from?: string | undefined }

export type ModelProcess = {
  child: Child
  upstream: Upstream
  address: string
  /** By `elapsed`. */
  began: number
}

const defaultStart = '60s'
const readyPause = 100

/** Starts the command of a spec on a free port; it is not ready yet. */
export async function launch(ctx: Context, { name, row, run, folder }: ProcessToStart): Promise<ModelProcess> {
  const port = await freePort()
  const values: Record<string, string> = {
    port: String(port),
    artifact: folder,
    model: row.model,
    version: String(row.version),
  }
  const command = run.command.map((part) =>
    part.replaceAll(/\{(port|artifact|model|version)\}/g, (_, key) => values[key] ?? ''),
  )
  const address = `http://127.0.0.1:${port}`
  const child = startChild(ctx, { name, command, environment: run.environment ?? [] })
  const upstream = await openUpstream(ctx, { urls: [address], own: true })
  return { child, upstream, address, began: ctx.clock.elapsed() }
}

/** Throws, with what the process wrote, when it ends before it is ready or takes longer than it may. */
export async function untilReady(
  ctx: Context,
  served: ProcessToStart,
  { child, address, began }: ModelProcess,
  signal?: AbortSignal,
): Promise<void> {
  const { row, run } = served
  const path = run.ready ?? dialects[run.protocol].ready(run.model ?? row.model)
  const within = run.start_within ?? defaultStart
  const patience = milliseconds(within)
  while (ctx.clock.elapsed() - began < patience) {
    if (child.over) throw failed(served, `it ended before it was ready: ${child.tail()}`)
    if (signal?.aborted) {
      child.end()
      await child.ended
      throw failed(served, 'it was stopped before it was ready')
    }
    if (await isReady(`${address}${path}`)) return
    await pause(readyPause)
  }
  child.end()
  throw failed(served, `it was not ready within ${within}: ${child.tail()}`)
}

function failed({ name, row, from }: ProcessToStart, why: string): AppError {
  return new AppError('upstream_failed', `The process of "${name}" failed: ${why}`, {
    name,
    hint: `Its command is ${from ?? `"serves.run.command" in models/${row.model}.yaml`}.`,
  })
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
