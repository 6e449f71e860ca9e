import { extname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { readEnvironment } from '../config.ts'
import type { Context } from '../context.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import type { ModelFacts, ModelUse } from './models.ts'
import type { Row, Value } from './row.ts'
import { endThread, killAtExit } from './thread-exit.ts'

type Order =
  | { kind: 'open'; model: number; bytes: Uint8Array; use: ModelUse | undefined }
  | { kind: 'run'; model: number; rows: Row[] }
  | { kind: 'close'; model: number }
export type ToThread = Order & { call: number }
export type FromThread =
  | ({ call: number } & RunResult)
  | { call: number; error: { code: ErrorCode; text: string; name?: string | undefined; hint?: string | undefined } }

/** `facts` is what the file of a model that was opened says of itself. */
type RunResult = { values: Value[]; took: number; facts?: ModelFacts }
type PendingRun = { message: ToThread; resolve(done: RunResult): void; reject(error: Error): void }
/** A model file, and what was said about how it is asked. */
export type ModelSource = { name: string; read(): Promise<Uint8Array>; use?: ModelUse | undefined }
type LoadedModel = ModelSource & {
  /** How often the thread ended while this model was at work, since it last answered. */
  strikes: number
  brokenUntil: number
  /** A thread that was given up still computes for it. */
  endless: boolean
}

/**
 * A worker thread that holds ONNX models. When it ends, the call at work fails, the models are opened again in a new
 * thread, and the calls that waited behind it are made there: one model's crash fails no other's request. A thread whose
 * call does not end is given up in the same way, and its model is not asked again before that thread has come back.
 */
export type OnnxThread = {
  open(source: ModelSource): Promise<{ model: number; facts: ModelFacts | undefined }>
  /** Answers, and the milliseconds that the thread computed. */
  run(model: number, rows: Row[]): Promise<RunResult>
  close(model: number): Promise<void>
  /** Models that it holds, and calls that it has not answered. */
  load(): { models: number; calls: number }
  restarts(): number
  stop(): Promise<void>
}

const maxStrikes = 3
const brokenMilliseconds = 30_000
const firstPause = 100
const maxPause = 10_000
const idleMilliseconds = 5_000
const lookMilliseconds = 5_000

/**
 * Milliseconds that a call may compute: opening a large model takes minutes, a row rarely a tenth of a second. `stop` is
 * for the one at work when the server ends.
 */
const standard = { open: 600_000, run: 60_000, row: 100, stop: 10_000 }

/** Without this the runtime writes down how it is used and sends that to its vendor. */
const silence = 'ORT_DISABLE_TELEMETRY'

const file = new URL(`./onnx-worker${extname(import.meta.url)}`, import.meta.url)

export function createOnnxThread(
  ctx: Pick<Context, 'clock' | 'log'>,
  { heapMegabytes, patience = standard }: { heapMegabytes?: number; patience?: typeof standard } = {},
): OnnxThread {
  const pending = new Map<number, PendingRun>()
  const models = new Map<number, LoadedModel>()
  const givenUp = new WeakSet<Worker>()
  let worker: Worker | undefined
  let restarting: Promise<void> | undefined
  let idle: NodeJS.Timeout | undefined
  let watch: NodeJS.Timeout | undefined
  /** Since when the oldest call is at work (clock.elapsed()). */
  let since = 0
  let stopped = false
  let restarts = 0
  let inARow = 0
  let calls = 0
  let opened = 0

  function start(): Worker {
    readEnvironment()[silence] = '1'
    const started = new Worker(file, {
      ...(heapMegabytes === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } }),
    })
    let reason = 'it ended'
    started.on('message', take)
    started.on('error', (error) => {
      reason = error.message
    })
    started.once('exit', () => {
      if (worker === started) ended(reason)
    })
    killAtExit(started, () => busyFor(started))
    started.unref()
    watch ??= setInterval(lookAtWork, Math.min(lookMilliseconds, patience.run / 2)).unref()
    return started
  }

  function busyFor(thread: Worker): number {
    if (givenUp.has(thread)) return Number.POSITIVE_INFINITY
    return thread === worker && pending.size > 0 ? ctx.clock.elapsed() - since : 0
  }

  function isOverdue(): boolean {
    const [first] = pending.values()
    if (!first || restarting) return false
    const { message } = first
    const most = message.kind === 'run' ? patience.run + patience.row * message.rows.length : patience.open
    return ctx.clock.elapsed() - since > most
  }

  /** Where this thread itself was held up, the answer may be here already, unread. */
  function lookAtWork(): void {
    if (isOverdue()) setImmediate(() => isOverdue() && giveUp())
  }

  function giveUp(): void {
    const [first] = pending.values()
    if (!first || !worker) return
    const held = models.get(first.message.model)
    if (held) held.endless = true
    givenUp.add(worker)
    worker.once('exit', () => {
      if (held) held.endless = false
    })
    void endThread(worker, 0)
    ended('its computation does not end')
  }

  function take(reply: FromThread): void {
    const done = pending.get(reply.call)
    if (!done) return
    pending.delete(reply.call)
    since = ctx.clock.elapsed()
    if (pending.size === 0) worker?.unref()
    const held = models.get(done.message.model)
    if (done.message.kind === 'run') {
      if (held) held.strikes = 0
      inARow = 0
    }
    if ('values' in reply) done.resolve(reply)
    else {
      const { code, text, name = held?.name, hint } = reply.error
      done.reject(new AppError(code, text, { name, hint }))
    }
  }

  function send(entry: PendingRun): void {
    worker ??= start()
    if (pending.size === 0) {
      worker.ref()
      since = ctx.clock.elapsed()
    }
    pending.set(entry.message.call, entry)
    worker.postMessage(entry.message)
  }

  async function post(order: Order): Promise<RunResult> {
    while (restarting) await restarting
    if (stopped) throw new AppError('not_ready', 'The server is stopping.')
    const { promise, resolve, reject } = Promise.withResolvers<RunResult>()
    calls += 1
    send({ message: { ...order, call: calls }, resolve, reject })
    return promise
  }

  function ended(reason: string): void {
    worker = undefined
    const [first, ...rest] = pending.values()
    pending.clear()
    if (stopped) {
      for (const { reject } of first ? [first, ...rest] : [])
        reject(new AppError('not_ready', 'The server is stopping.'))
      return
    }
    const held = first && models.get(first.message.model)
    if (held) {
      held.strikes += 1
      if (held.strikes >= maxStrikes) held.brokenUntil = ctx.clock.elapsed() + brokenMilliseconds
    }
    first?.reject(new AppError('upstream_failed', `The thread of the model ended: ${reason}`, { name: held?.name }))
    ctx.log.error({ model: held?.name, reason }, 'a thread of models ended and is started again')
    restarts += 1
    restarting = restart(rest).finally(() => {
      restarting = undefined
    })
  }

  async function restart(waiting: PendingRun[]): Promise<void> {
    inARow += 1
    if (inARow > 1)
      await pause(Math.min(firstPause * 2 ** (inARow - 2), maxPause), undefined, { ref: waiting.length > 0 })
    for (const [model, { name, read, use }] of models) {
      try {
        const bytes = await read()
        const { promise, resolve, reject } = Promise.withResolvers<RunResult>()
        calls += 1
        send({ message: { kind: 'open', model, bytes, use, call: calls }, resolve, reject })
        promise.catch((error: unknown) => ctx.log.error({ err: error, model: name }, 'a model cannot be opened again'))
      } catch (error) {
        ctx.log.error({ err: error, model: name }, 'a model cannot be read again')
      }
    }
    for (const entry of waiting) send(entry)
  }

  function stopWhenIdle(): void {
    clearTimeout(idle)
    idle = setTimeout(() => {
      if (models.size > 0 || pending.size > 0 || !worker) return
      const old = worker
      worker = undefined
      void endThread(old, 0)
    }, idleMilliseconds).unref()
  }

  return {
    async open(source) {
      opened += 1
      const model = opened
      const { facts } = await post({ kind: 'open', model, bytes: await source.read(), use: source.use })
      models.set(model, { ...source, strikes: 0, brokenUntil: 0, endless: false })
      return { model, facts }
    },
    async run(model, rows) {
      const held = models.get(model)
      if (held?.endless)
        throw new AppError('not_ready', `A computation of "${held.name}" does not end.`, {
          name: held.name,
          retryAfterSeconds: patience.run / 1_000,
        })
      const wait = (held?.brokenUntil ?? 0) - ctx.clock.elapsed()
      if (wait > 0)
        throw new AppError('not_ready', `"${held?.name}" ended its thread ${maxStrikes} times in a row.`, {
          name: held?.name,
          retryAfterSeconds: wait / 1_000,
        })
      return post({ kind: 'run', model, rows })
    },
    async close(model) {
      if (!models.delete(model) || stopped) return
      if (worker) await post({ kind: 'close', model })
      if (models.size === 0) stopWhenIdle()
    },
    load: () => ({ models: models.size, calls: pending.size }),
    restarts: () => restarts,
    async stop() {
      stopped = true
      clearTimeout(idle)
      clearInterval(watch)
      if (!worker || (await endThread(worker, patience.stop))) return
      ctx.log.error('a computation does not end: the process ends without it')
    },
  }
}
