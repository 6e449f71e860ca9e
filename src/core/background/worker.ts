import type { Context } from '../context.ts'
import { AppError } from '../errors.ts'
import type { Events } from '../event-contract.ts'
import type { JobEndings, JobHandlers, Jobs } from '../job-contract.ts'
import { deliver, type Reactions } from './deliver.ts'
import * as jobs from './jobs.ts'
import { type JobContracts, perform } from './perform.ts'
import { follow, wakeSignal } from './wake.ts'

export type Worker = {
  start(): void
  stop(): Promise<void>
  /** Runs everything that is due now, until nothing is. */
  drain(): Promise<void>
  /** Moves a simulated clock forward, stopping at every instant at which something is due; `before` it comes to each. */
  advance(to: Date, before?: (instant: Date) => Promise<void>): Promise<void>
}

type Options<E extends Events, J extends Jobs> = {
  events: E
  jobs: J
  reactions: Reactions<E>
  handlers: JobHandlers<J>
  endings?: JobEndings<J>
  concurrency?: number
}

const idlePollMilliseconds = 1_000

/** One worker in each server: delivers events to reactions, ticks schedules, runs jobs under leases. */
export function createWorker<E extends Events, J extends Jobs>(ctx: Context, options: Options<E, J>): Worker {
  const { reactions, concurrency = 4 } = options
  follow(ctx, Object.keys(reactions))
  const stopping = new AbortController()
  const performing = {
    jobs: options.jobs,
    handlers: options.handlers,
    endings: options.endings,
    stopping: stopping.signal,
  }
  const running = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let pass: Promise<void> | undefined
  let again = false

  async function runDue(): Promise<void> {
    for (;;) {
      if (stopping.signal.aborted) return
      const delivered = await deliver(ctx, options)
      await jobs.tick(ctx)
      const started = await startJobs(ctx, { performing, running, concurrency, wake })
      if (!delivered && !started) return
    }
  }

  function wake(): void {
    if (stopping.signal.aborted) return
    if (pass) {
      again = true
      return
    }
    pass = runDue()
      .catch((error: unknown) => ctx.log.error({ err: error }, 'worker pass failed'))
      .finally(() => {
        pass = undefined
        if (again) {
          again = false
          wake()
        }
      })
  }

  async function drain(): Promise<void> {
    for (;;) {
      wake()
      while (pass) await pass
      if (running.size === 0) {
        if (!again && !pass) return
        continue
      }
      await Promise.race(running)
    }
  }

  return {
    start() {
      wakeSignal(ctx).wake = wake
      timer = setInterval(() => {
        jobs.reclaimExpired(ctx).then(wake, (error: unknown) => ctx.log.error({ err: error }, 'lease check failed'))
      }, idlePollMilliseconds)
      timer.unref()
      wake()
    },
    async stop() {
      wakeSignal(ctx).wake = () => undefined
      clearInterval(timer)
      stopping.abort(new AppError('not_ready', 'The server is stopping.'))
      await pass
      await Promise.allSettled(running)
    },
    drain,
    advance: (to, before) => advance(ctx, { drain, to, before }),
  }
}

type WorkerOptions<J extends Jobs> = {
  performing: JobContracts<J>
  running: Set<Promise<void>>
  concurrency: number
  wake(): void
}

/** As many due jobs as may run at the same time; tells whether there was one. */
async function startJobs<J extends Jobs>(ctx: Context, starting: WorkerOptions<J>): Promise<boolean> {
  const { performing, running, concurrency, wake } = starting
  let started = false
  while (running.size < concurrency) {
    const job = await jobs.claim(ctx)
    if (!job) break
    started = true
    const task = perform(ctx, performing, job)
      .catch((error: unknown) => ctx.log.error({ err: error, job: job.id }, 'job bookkeeping failed'))
      .finally(() => {
        running.delete(task)
        wake()
      })
    running.add(task)
  }
  return started
}

type ClockMove = { drain: Worker['drain']; to: Date; before: ((instant: Date) => Promise<void>) | undefined }

async function advance(ctx: Context, { drain, to, before }: ClockMove): Promise<void> {
  async function moveTo(instant: Date): Promise<void> {
    if (instant > ctx.now()) await before?.(instant)
    ctx.clock.set(instant)
    await drain()
  }
  for (;;) {
    const instants = [await jobs.nextDue(ctx), await jobs.nextScheduled(ctx)].filter((at) => at !== undefined)
    const next = instants.sort((a, b) => a.getTime() - b.getTime())[0]
    if (!next || next > to) break
    await moveTo(next)
  }
  await moveTo(to)
}
