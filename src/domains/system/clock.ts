import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { dateOf } from '../../core/tables/tables.ts'
import type { system } from './contract.ts'
import { holder } from './server.ts'
import * as store from './store.ts'

type Operations = typeof system

const beginningOfReplays = '2001-01-01T00:00:00.000Z'

export async function advanceClock(
  ctx: Context,
  { to }: Input<Operations['advanceClock']>,
): Promise<Output<Operations['advanceClock']>> {
  const { worker } = holder(ctx)
  if (!ctx.clock.simulated || !worker) {
    throw new AppError('refused_by_policy', 'This server runs on the real clock, which nobody moves.', {
      hint: 'Start a replay server with "keel up --clock simulated".',
    })
  }
  const target = dateOf(to)
  if (target < ctx.now()) {
    throw new AppError('conflict', `The clock is at ${ctx.now().toISOString()} and never goes back.`, { name: to })
  }
  // Saved first: a server that starts after a crash is never earlier than what anybody saw.
  await worker.advance(target, (instant) => store.saveClock(ctx, instant.toISOString()))
  return { now: ctx.now().toISOString() }
}

/** Marks the folder as a replay, at its beginning unless it has begun. */
export async function keepSimulated(ctx: Context): Promise<void> {
  await store.beginClock(ctx, beginningOfReplays)
}

/** Where the simulated clock of this folder stood when it was last saved, or the newest event if that is later. */
export async function savedClock(ctx: Context): Promise<Date | undefined> {
  const clock = await store.readClock(ctx)
  if (!clock) return undefined
  const { saved, latestEvent } = clock
  return dateOf(latestEvent && latestEvent > saved ? latestEvent : saved)
}
