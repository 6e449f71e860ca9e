import { type Context, liveValue } from '../../core/context.ts'
import { minute, second } from '../../core/duration.ts'
import { AppError } from '../../core/errors.ts'

/** After so many wrong passwords each further one makes the next attempt wait, twice as long each time. */
const free = 5
const maxPause = minute
/** Nothing is remembered of a name for longer. */
const memory = 15 * minute
const maxNames = 10_000

type Failures = { count: number; at: number }

const failures = (ctx: Context) => liveValue(ctx, 'access.failures', () => new Map<string, Failures>())

/** Refuses an attempt that comes too soon after wrong ones for the same name. */
export function checkPause(ctx: Context, name: string): void {
  const found = failures(ctx).get(keyOf(name))
  if (!found) return
  const wait = found.at + pauseAfter(found.count) - ctx.clock.elapsed()
  if (wait <= 0) return
  const seconds = Math.ceil(wait / second)
  throw new AppError('too_many_requests', `Too many wrong passwords for "${name}".`, {
    name,
    hint: `Try again in ${seconds} s.`,
    retryAfterSeconds: seconds,
  })
}

/** Counted before the password is checked: attempts that come at once do not slip through together. */
export function countAttempt(ctx: Context, name: string): void {
  const known = failures(ctx)
  const now = ctx.clock.elapsed()
  const key = keyOf(name)
  const found = known.get(key)
  const count = found && now - found.at < memory ? found.count + 1 : 1
  if (known.size >= maxNames) for (const [old, { at }] of known) if (now - at >= memory) known.delete(old)
  if (known.size >= maxNames) known.clear()
  known.set(key, { count, at: now })
}

export function forgetAttempts(ctx: Context, name: string): void {
  failures(ctx).delete(keyOf(name))
}

function pauseAfter(count: number): number {
  return count < free ? 0 : Math.min(maxPause, second * 2 ** (count - free))
}

function keyOf(name: string): string {
  return name.toLowerCase()
}
