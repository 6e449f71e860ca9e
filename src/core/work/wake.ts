import { type Context, liveValue } from '../context.ts'

type Bell = { ring: () => void; soon: NodeJS.Timeout | undefined }

const soonMilliseconds = 50

/** The worker of this process listens here; without one (a short command), work waits for the next server. */
export function bell(ctx: Context): Bell {
  return liveValue(ctx, 'core.bell', (): Bell => ({ ring: () => undefined, soon: undefined }))
}

export function wakeWorker(ctx: Context): void {
  bell(ctx).ring()
}

/** For what comes in thousands and is not urgent: one pass of the worker serves all that arrived meanwhile. */
export function wakeWorkerSoon(ctx: Context): void {
  const here = bell(ctx)
  here.soon ??= setTimeout(() => {
    here.soon = undefined
    here.ring()
  }, soonMilliseconds).unref()
}

/** The event types that this server reacts to, `*` for all: any other event counts as delivered once it is written. */
const followedTypes = (ctx: Context) => liveValue(ctx, 'core.followed', () => new Set<string>())

export function follow(ctx: Context, types: string[]): void {
  for (const type of types) followedTypes(ctx).add(type)
}

/** Whether something waits for events of this type, or merely looks at all of them, or neither. */
export function following(ctx: Context, type: string): 'type' | 'all' | 'none' {
  const types = followedTypes(ctx)
  if (types.has(type)) return 'type'
  return types.has('*') ? 'all' : 'none'
}
