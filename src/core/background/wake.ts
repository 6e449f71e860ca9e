import { type Context, liveValue } from '../context.ts'

type WakeSignal = { wake: () => void; soon: NodeJS.Timeout | undefined }

const soonMilliseconds = 50

/** The worker of this process listens here; without one (a short command), work waits for the next server. */
export function wakeSignal(ctx: Context): WakeSignal {
  return liveValue(ctx, 'core.wakeSignal', (): WakeSignal => ({ wake: () => undefined, soon: undefined }))
}

export function wakeWorker(ctx: Context): void {
  wakeSignal(ctx).wake()
}

/** For what comes in thousands and is not urgent: one pass of the worker serves all that arrived meanwhile. */
export function wakeWorkerSoon(ctx: Context): void {
  const signal = wakeSignal(ctx)
  signal.soon ??= setTimeout(() => {
    signal.soon = undefined
    signal.wake()
  }, soonMilliseconds).unref()
}

/** The event types that this server reacts to, `*` for all: any other event counts as delivered once it is written. */
const followedTypes = (ctx: Context) => liveValue(ctx, 'core.followed', () => new Set<string>())

export function follow(ctx: Context, types: string[]): void {
  for (const type of types) followedTypes(ctx).add(type)
}

/** `type`: a reaction names this event type. `all`: only reactions to every event run for it. `none`: no reaction does. */
export function following(ctx: Context, type: string): 'type' | 'all' | 'none' {
  const types = followedTypes(ctx)
  if (types.has(type)) return 'type'
  return types.has('*') ? 'all' : 'none'
}
