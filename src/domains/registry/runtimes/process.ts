import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import type { Limits, Run } from '../spec/spec.ts'
import type { VersionRecord } from '../store.ts'
import { openModelFolder, type Prepare } from './files.ts'
import { launch, type ModelProcess, untilReady } from './launch.ts'
import { memoryOf, watchMemory } from './memory.ts'
import { predictRemotely } from './remote.ts'
import type { Runtime } from './runtime.ts'

/** `prepare` changes the folder's own copy of the files before anything reads them. */
type ProcessOptions = {
  run: Run
  limits: Limits | undefined
  signal?: AbortSignal | undefined
  prepare?: Prepare | undefined
  from?: string
}

const firstPause = 500
const maxPause = 60_000
/** A process that ran this long before it ended is not in a crash loop. */
const steadyMilliseconds = 60_000

/** Opens a version in a process of its own, which is watched, restarted with growing pauses, and ended with the server. */
export async function openProcess(
  ctx: Context,
  row: VersionRecord,
  { run, limits, signal, prepare, from }: ProcessOptions,
): Promise<Runtime> {
  const name = `${row.model}@${row.version}`
  const files = row.artifact === null ? undefined : await openModelFolder(ctx, row.artifact, prepare)
  const served = { name, row, run, folder: files?.folder ?? '', from }
  const target = { speaks: run, model: run.model ?? row.model, limits, headers: {} }
  let closed = false
  let restarts = 0
  let inARow = 0
  let current: ModelProcess | undefined
  let ready = false

  async function start(): Promise<void> {
    const launched = await launch(ctx, served)
    current = launched
    void launched.child.ended.then((why) => ended(launched, why))
    await untilReady(ctx, served, launched, signal)
    ready = true
    watchMemory(ctx, launched.child, { name, most: run.memory })
  }

  function ended({ child, upstream, began }: ModelProcess, why: string): void {
    upstream.close().catch((error: unknown) => ctx.log.warn({ err: error }, 'closing connections failed'))
    if (closed || current?.child !== child) return
    const wasReady = ready
    ready = false
    if (!wasReady && restarts === 0) return
    ctx.log.error({ model: name, why, said: child.tail() }, 'the process of a model ended and is started again')
    inARow = ctx.clock.elapsed() - began > steadyMilliseconds ? 0 : inARow + 1
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
