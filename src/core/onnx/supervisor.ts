import { extname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { readEnvironment } from '../config.ts'
import type { Context } from '../context.ts'
import { AppError } from '../errors.ts'
import type { FromThread, Order, RunResult } from './messages.ts'
import type { PendingCall, PendingCalls } from './pending-calls.ts'
import { endThread, killAtExit } from './thread-exit.ts'
import { strike, type ThreadModel } from './thread-models.ts'

/** Milliseconds that a call may compute; `row` is added for each row of a run, `stop` is for the one at work when the server ends. */
export type Patience = { open: number; run: number; row: number; stop: number }

/** One thread after the other, and what has to outlive each of them. */
export type Supervisor = {
  ctx: Pick<Context, 'clock' | 'log'>
  patience: Patience
  heapMegabytes: number | undefined
  calls: PendingCalls
  models: Map<number, ThreadModel>
  /** Threads whose computation does not end. */
  givenUp: WeakSet<Worker>
  worker: Worker | undefined
  restarting: Promise<void> | undefined
  watch: NodeJS.Timeout | undefined
  restarts: number
  /** Restarts since a model last answered. */
  inARow: number
  stopped: boolean
}

const firstPause = 100
const maxPause = 10_000
const lookMilliseconds = 5_000

/** Without this the runtime writes down how it is used and sends that to its vendor. */
const silence = 'ORT_DISABLE_TELEMETRY'

const file = new URL(`./onnx-worker${extname(import.meta.url)}`, import.meta.url)

/** The thread's answer; where it ends meanwhile, the call at work fails and those behind it wait for the next thread. */
export async function post(supervisor: Supervisor, order: Order): Promise<RunResult> {
  while (supervisor.restarting) await supervisor.restarting
  if (supervisor.stopped) throw stopping()
  const { call, answer } = supervisor.calls.create(order)
  send(supervisor, call)
  return answer
}

export async function stop(supervisor: Supervisor): Promise<void> {
  const { ctx, patience, watch, worker } = supervisor
  supervisor.stopped = true
  clearInterval(watch)
  if (!worker || (await endThread(worker, patience.stop))) return
  ctx.log.error('a computation does not end: the process ends without it')
}

const stopping = () => new AppError('not_ready', 'The server is stopping.')

function send(supervisor: Supervisor, call: PendingCall): void {
  supervisor.worker ??= start(supervisor)
  if (supervisor.calls.size() === 0) supervisor.worker.ref()
  supervisor.calls.add(call)
  supervisor.worker.postMessage(call.message)
}

function start(supervisor: Supervisor): Worker {
  const { heapMegabytes, calls, givenUp, patience } = supervisor
  readEnvironment()[silence] = '1'
  const started = new Worker(file, {
    ...(heapMegabytes === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } }),
  })
  let reason = 'it ended'
  started.on('message', (reply: FromThread) => settle(supervisor, reply))
  started.on('error', (error) => {
    reason = error.message
  })
  started.once('exit', () => {
    if (supervisor.worker === started) ended(supervisor, reason)
  })
  killAtExit(started, () => {
    if (givenUp.has(started)) return Number.POSITIVE_INFINITY
    return started === supervisor.worker ? calls.busyFor() : 0
  })
  started.unref()
  supervisor.watch ??= setInterval(() => look(supervisor), Math.min(lookMilliseconds, patience.run / 2)).unref()
  return started
}

function settle(supervisor: Supervisor, reply: FromThread): void {
  const { calls, models, worker } = supervisor
  const done = calls.take(reply.call)
  if (!done) return
  if (calls.size() === 0) worker?.unref()
  const model = models.get(done.message.model)
  if (done.message.kind === 'run') {
    if (model) model.strikes = 0
    supervisor.inARow = 0
  }
  if ('values' in reply) {
    done.resolve(reply)
    return
  }
  const { code, text, name = model?.name, hint } = reply.error
  // A model that breaks on its rows is the cause itself; one that cannot be opened, or a thread that ends, says nothing of the rows.
  const cause = done.message.kind === 'run' ? { cause: new Error(text) } : {}
  done.reject(new AppError(code, text, { name, hint, ...cause }))
}

/** Where this thread itself was held up, the answer may be here already, unread. */
function look(supervisor: Supervisor): void {
  if (isOverdue(supervisor)) setImmediate(() => isOverdue(supervisor) && giveUp(supervisor))
}

function isOverdue({ calls, patience, restarting }: Supervisor): boolean {
  const message = calls.first()?.message
  if (!message || restarting) return false
  const most = message.kind === 'run' ? patience.run + patience.row * message.rows.length : patience.open
  return calls.busyFor() > most
}

function giveUp(supervisor: Supervisor): void {
  const { calls, models, givenUp, worker } = supervisor
  const first = calls.first()
  if (!first || !worker) return
  const model = models.get(first.message.model)
  if (model) model.endless = true
  givenUp.add(worker)
  worker.once('exit', () => {
    if (model) model.endless = false
  })
  void endThread(worker, 0)
  ended(supervisor, 'its computation does not end')
}

function ended(supervisor: Supervisor, reason: string): void {
  const { ctx, calls, models } = supervisor
  supervisor.worker = undefined
  const all = calls.takeAll()
  if (supervisor.stopped) {
    for (const { reject } of all) reject(stopping())
    return
  }
  const [first, ...rest] = all
  const model = first && models.get(first.message.model)
  if (model) strike(model, ctx.clock)
  first?.reject(new AppError('upstream_failed', `The thread of the model ended: ${reason}`, { name: model?.name }))
  ctx.log.error({ model: model?.name, reason }, 'a thread of models ended and is started again')
  supervisor.restarts += 1
  supervisor.restarting = restart(supervisor, rest).finally(() => {
    supervisor.restarting = undefined
  })
}

/** Opens the models in a new thread, and makes there the calls that waited behind the one that failed. */
async function restart(supervisor: Supervisor, waiting: readonly PendingCall[]): Promise<void> {
  const { ctx, calls, models } = supervisor
  supervisor.inARow += 1
  if (supervisor.inARow > 1)
    await pause(Math.min(firstPause * 2 ** (supervisor.inARow - 2), maxPause), undefined, { ref: waiting.length > 0 })
  for (const [model, { name, read, use }] of models) {
    try {
      const { call, answer } = calls.create({ kind: 'open', model, bytes: await read(), use })
      send(supervisor, call)
      answer.catch((error: unknown) => ctx.log.error({ err: error, model: name }, 'a model cannot be opened again'))
    } catch (error) {
      ctx.log.error({ err: error, model: name }, 'a model cannot be read again')
    }
  }
  for (const call of waiting) send(supervisor, call)
}
