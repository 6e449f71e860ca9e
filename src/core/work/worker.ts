import type { Context } from '../context.ts'
import { AppError } from '../errors.ts'
import type { Event, EventOf, Events } from '../event-contract.ts'
import type { Job, JobHandlers, JobInput, Jobs, JobTools } from '../job-contract.ts'
import { readStored } from '../json/json.ts'
import { transaction } from '../transaction.ts'
import { parse } from '../validate.ts'
import { markDelivered, undelivered } from './events.ts'
import * as jobs from './jobs.ts'
import { follow, wakeSignal } from './wake.ts'
import { checksWrites } from './written.ts'

/** Run in the transaction that marks the event as delivered: exactly once in their database effects. */
type Reaction<Told> = (ctx: Context, event: Told) => Promise<void>

/** What follows each type of event, and `*` whatever happens; a type that does not exist does not compile. */
export type Reactions<E extends Events> = { [Type in keyof E]?: Reaction<EventOf<E, Type>>[] } & {
  '*'?: Reaction<Event>[]
}

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
  concurrency?: number
}

const idlePollMilliseconds = 1_000
const outboxBatch = 200

/** One worker in each server: delivers events to reactions, ticks schedules, runs jobs under leases. */
export function createWorker<E extends Events, J extends Jobs>(ctx: Context, options: Options<E, J>): Worker {
  const { reactions, concurrency = 4 } = options
  follow(ctx, Object.keys(reactions))
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let pass: Promise<void> | undefined
  let again = false

  /** All that wait in one transaction. When one fails, each in its own: that one is tried again later, the others go on. */
  async function deliver(): Promise<boolean> {
    const events = await undelivered(ctx, outboxBatch)
    if (events.length === 0) return false
    try {
      await transaction(ctx, async (ctx) => {
        for (const event of events) await react(ctx, event)
      })
      return true
    } catch (error) {
      ctx.log.warn({ err: error }, 'events are delivered one by one')
    }
    let delivered = 0
    for (const event of events) {
      try {
        await transaction(ctx, (ctx) => react(ctx, event))
        delivered += 1
      } catch (error) {
        ctx.log.error({ err: error, event: event.seq, type: event.type }, 'a reaction failed')
      }
    }
    return delivered > 0
  }

  async function react(outer: Context, event: Event): Promise<void> {
    const ctx = { ...outer, cause: `reaction to ${event.type}` }
    if (!(await markDelivered(ctx, event.seq))) return
    for (const reaction of reactionsTo(ctx, options, event)) await reaction(ctx, event)
  }

  async function perform(job: Job): Promise<void> {
    const jobContext: Context = { ...ctx, cause: `job ${job.kind}` }
    const stop = new AbortController()
    const signal = AbortSignal.any([stopping.signal, stop.signal])
    const renewal = setInterval(() => {
      jobs
        .renew(jobContext, job)
        .catch(() => stop.abort(new AppError('stale_token', `The job "${job.id}" was taken away.`)))
    }, jobs.leaseMilliseconds / 3)
    try {
      const report: JobTools['report'] = (progress) => jobs.renew(jobContext, job, progress)
      const result = await handle(jobContext, options, { job, signal, report })
      await jobs.finish(jobContext, job, { result })
    } catch (error) {
      await fail(jobContext, job, error)
    } finally {
      clearInterval(renewal)
    }
  }

  async function fail(jobContext: Context, job: Job, error: unknown): Promise<void> {
    if (stopping.signal.aborted) return
    const callersFault = error instanceof AppError && error.status < 500
    ctx.log.warn({ job: job.id, kind: job.kind, attempt: job.attempts, err: error }, 'job failed')
    try {
      await jobs.finish(jobContext, job, {
        error: error instanceof Error ? error.message : String(error),
        retry: !callersFault,
      })
    } catch (lost) {
      if (!(lost instanceof AppError) || lost.code !== 'stale_token') throw lost
    }
  }

  async function runDue(): Promise<void> {
    for (;;) {
      if (stopping.signal.aborted) return
      const delivered = await deliver()
      await jobs.tick(ctx)
      let started = false
      while (running.size < concurrency) {
        const job = await jobs.claim(ctx)
        if (!job) break
        started = true
        const task = perform(job)
          .catch((error: unknown) => ctx.log.error({ err: error, job: job.id }, 'job bookkeeping failed'))
          .finally(() => {
            running.delete(task)
            wake()
          })
        running.add(task)
      }
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

  async function advance(to: Date, before?: (instant: Date) => Promise<void>): Promise<void> {
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
    advance,
  }
}

/** Trying again would not make an event fit its contract: it is passed over, and the log says so. */
export function reactionsTo<E extends Events>(
  ctx: Context,
  { events, reactions }: { events: E; reactions: Reactions<E> },
  event: Event,
): Reaction<Event>[] {
  const contract = events[event.type]
  try {
    if (contract) readStored(contract.data, event.data, `The event ${event.type}`)
  } catch (error) {
    ctx.log.error({ err: error, event: event.seq, type: event.type }, 'an event is not as its contract says')
    return []
  }
  const own = contract && (reactions[event.type] as Reaction<Event>[] | undefined)
  return [...(own ?? []), ...(reactions['*'] ?? [])]
}

/** A payload that does not fit is the fault of who wrote it: the job has failed, and is not tried again. */
async function handle<E extends Events, J extends Jobs>(
  ctx: Context,
  { jobs: contracts, handlers }: Options<E, J>,
  tools: JobTools,
): Promise<unknown> {
  const { kind, payload } = tools.job
  const contract = contracts[kind]
  const handler = handlers[kind]
  if (!contract || !handler)
    throw new AppError('not_supported', `No handler for jobs of kind "${kind}".`, { name: kind })
  const input = readStored(contract.input, payload, `The payload of a job ${kind}`) as JobInput<J[string]>
  const result = await handler(ctx, input, tools)
  if (checksWrites(ctx)) parse(contract.output, result, { code: 'internal', what: `The result of ${kind}` })
  return result
}
