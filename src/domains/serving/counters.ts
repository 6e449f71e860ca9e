import { type Context, liveValue } from '../../core/context.ts'
import type { Bad } from './log-record.ts'

export type Counters = {
  requests: number
  bad: Record<Bad, number>
  /** Answers that it gave for a release that could not. */
  stoodIn: number
}

/** By release, since this server started. */
export const counters = (ctx: Context) => liveValue(ctx, 'serving.counters', () => new Map<string, Counters>())

export function count(ctx: Context, release: string, bad: Bad | null, stoodIn: boolean): void {
  const all = counters(ctx)
  const entry = all.get(release) ?? { requests: 0, bad: { error: 0, slow: 0, invalid: 0 }, stoodIn: 0 }
  entry.requests += 1
  if (bad) entry.bad[bad] += 1
  if (stoodIn) entry.stoodIn += 1
  all.set(release, entry)
}
