import { type Context, liveValue } from '../../core/context.ts'
import { answer, type Call, type Target } from './answer.ts'
import { type Loaded, loadedVersion } from './routing.ts'

/** Copies that wait; beyond this many the newest are dropped and counted. */
const capacity = 1_000
/** Copies asked at once: the shadow has its own small share of whatever answers it. */
const atOnce = 4

type Ring = { waiting: (() => Promise<unknown>)[]; running: number; dropped: number; scheduled: boolean }

const ring = (ctx: Context) =>
  liveValue(ctx, 'serving.shadow', (): Ring => ({ waiting: [], running: 0, dropped: 0, scheduled: false }))

/** Asks the shadow about the same request once the caller has its answer; nobody waits for it, and its failures are its own. */
export function shadow(call: Call, target: Target): void {
  const { ctx, endpoint } = call
  const held = ring(ctx)
  const chosen = loadedVersion(ctx, endpoint, target.version)
  if (!chosen || held.waiting.length >= capacity) {
    held.dropped += 1
    return
  }
  held.waiting.push(() => ask(call, chosen, target))
  if (held.scheduled) return
  held.scheduled = true
  setImmediate(() => {
    held.scheduled = false
    drain(held)
  })
}

async function ask(call: Call, chosen: Loaded, { release, version }: Target): Promise<void> {
  try {
    await answer(call, { chosen, target: { release, version }, arm: 'shadow' })
  } catch (error) {
    // Only "no room": whatever else goes wrong is in the log as the shadow's answer.
    ring(call.ctx).dropped += 1
    call.ctx.log.debug({ err: error, release }, 'a shadow had no room')
  }
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
