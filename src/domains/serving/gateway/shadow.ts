import { type Context, liveValue } from '../../../core/context.ts'
import { loadedVersion } from '../routing/routing.ts'
import { answer } from './answer.ts'
import type { Call, Target } from './record-answer.ts'

/** Copies that wait; beyond this many the newest are dropped and counted. */
const capacity = 1_000
/** Copies asked at once: the shadow has its own small share of whatever answers it. */
const atOnce = 4

type Ring = { waiting: (() => Promise<unknown>)[]; running: number; dropped: number; scheduled: boolean }

const ring = (ctx: Context) =>
  liveValue(ctx, 'serving.shadow', (): Ring => ({ waiting: [], running: 0, dropped: 0, scheduled: false }))

/** Asks the shadow about the same request once the caller has its answer; nobody waits for it, and its failures are its own. */
export function shadow(call: Call, target: Target): void {
  const { release, version } = target
  const chosen = loadedVersion(call.ctx, call.endpoint, version)
  if (chosen) shadowWork(call.ctx, () => answer(call, { chosen, target: { release, version }, arm: 'shadow' }))
  else ring(call.ctx).dropped += 1
}

/** Queues any work that asks a shadow. An error thrown by the work means that the shadow was not asked; its own failures are logged as its answer. */
export function shadowWork(ctx: Context, work: () => Promise<unknown>): void {
  const held = ring(ctx)
  if (held.waiting.length >= capacity) {
    held.dropped += 1
    return
  }
  held.waiting.push(() =>
    work().catch((error: unknown) => {
      held.dropped += 1
      ctx.log.debug({ err: error }, 'a shadow was not asked')
    }),
  )
  if (held.scheduled) return
  held.scheduled = true
  setImmediate(() => {
    held.scheduled = false
    drain(held)
  })
}

function drain(held: Ring): void {
  while (held.running < atOnce) {
    const work = held.waiting.shift()
    if (!work) return
    held.running += 1
    void work().finally(() => {
      held.running -= 1
      drain(held)
    })
  }
}

/** Copies of requests that no shadow was asked about. */
export function droppedShadows(ctx: Context): number {
  return ring(ctx).dropped
}
