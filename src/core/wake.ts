import { type Context, liveValue } from './context.ts'

type Bell = { ring: () => void }

/** The worker of this process listens here; without one (a short command), work waits for the next server. */
export function bell(ctx: Context): Bell {
  return liveValue(ctx, 'core.bell', () => ({ ring: () => undefined }))
}

export function wakeWorker(ctx: Context): void {
  bell(ctx).ring()
}
