import type { Context } from '../context.ts'
import type { RunResult } from './messages.ts'
import type { ModelFacts } from './models.ts'
import { createPendingCalls } from './pending-calls.ts'
import type { Row } from './row.ts'
import { type Patience, post, type Supervisor, stop } from './supervisor.ts'
import { endThread } from './thread-exit.ts'
import { type ModelSource, requireUsable, threadModel } from './thread-models.ts'

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

const idleMilliseconds = 5_000

/** Opening a large model takes minutes, a row rarely a tenth of a second. */
const standard: Patience = { open: 600_000, run: 60_000, row: 100, stop: 10_000 }

export function createOnnxThread(
  ctx: Pick<Context, 'clock' | 'log'>,
  { heapMegabytes, patience = standard }: { heapMegabytes?: number; patience?: Patience } = {},
): OnnxThread {
  const supervisor = createSupervisor(ctx, heapMegabytes, patience)
  const { calls, models } = supervisor
  let idle: NodeJS.Timeout | undefined
  let opened = 0

  function stopWhenIdle(): void {
    clearTimeout(idle)
    idle = setTimeout(() => {
      const { worker } = supervisor
      if (models.size > 0 || calls.size() > 0 || !worker) return
      supervisor.worker = undefined
      void endThread(worker, 0)
    }, idleMilliseconds).unref()
  }

  return {
    async open(source) {
      opened += 1
      const model = opened
      const bytes = await source.read()
      const { facts } = await post(supervisor, { kind: 'open', model, bytes, use: source.use })
      models.set(model, threadModel(source))
      return { model, facts }
    },
    async run(model, rows) {
      const asked = models.get(model)
      if (asked) requireUsable(asked, ctx.clock, patience)
      return post(supervisor, { kind: 'run', model, rows })
    },
    async close(model) {
      if (!models.delete(model) || supervisor.stopped) return
      if (supervisor.worker) await post(supervisor, { kind: 'close', model })
      if (models.size === 0) stopWhenIdle()
    },
    load: () => ({ models: models.size, calls: calls.size() }),
    restarts: () => supervisor.restarts,
    stop() {
      clearTimeout(idle)
      return stop(supervisor)
    },
  }
}

function createSupervisor(ctx: Supervisor['ctx'], heapMegabytes: number | undefined, patience: Patience): Supervisor {
  return {
    ctx,
    patience,
    heapMegabytes,
    calls: createPendingCalls(ctx.clock),
    models: new Map(),
    givenUp: new WeakSet(),
    worker: undefined,
    restarting: undefined,
    watch: undefined,
    restarts: 0,
    inARow: 0,
    stopped: false,
  }
}
