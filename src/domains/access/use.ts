import { type Context, liveValue } from '../../core/context.ts'
import { isoOf, millisecondsOf } from '../../core/time.ts'

/** Notes now and then that a credential was used, beside the request and never in its way. */
export function noteUse(
  ctx: Context,
  credential: { id: string; last_used_at: string | null },
  every: number,
  write: (at: string) => Promise<void>,
): void {
  const noted = liveValue(ctx, 'access.used', () => new Map<string, number>())
  const now = ctx.now().getTime()
  const { id, last_used_at: stored } = credential
  const last = Math.max(noted.get(id) ?? 0, stored === null ? 0 : millisecondsOf(stored))
  if (now - last < every) return
  noted.set(id, now)
  write(isoOf(now)).catch((error: unknown) => {
    noted.delete(id)
    ctx.log.warn({ err: error, credential: id }, 'that it was used could not be noted')
  })
}
