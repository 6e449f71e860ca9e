import type { Context } from '../../../core/context.ts'
import { transaction } from '../../../core/transaction.ts'
import { append } from '../events.ts'
import type { LogRecord } from './log-record.ts'

/** By endpoint, the answers that the log lost and that no alert has mentioned yet. */
export type Losses = Map<string, { count: number; from: string; to: string }>

export function addLoss(losses: Losses, { endpoint, at }: Pick<LogRecord, 'endpoint' | 'at'>): void {
  const lost = losses.get(endpoint) ?? { count: 0, from: at, to: at }
  lost.count += 1
  lost.to = at
  losses.set(endpoint, lost)
}

/** Appends the event within a transaction. Returns how many losses it mentions: the caller forgets those after the commit. */
export async function tellLoss(ctx: Context, losses: Losses, endpoint: string): Promise<number> {
  const lost = losses.get(endpoint)
  if (!lost) return 0
  const data = { ...lost }
  await append(ctx, 'serving.log_lost', `model/${endpoint}`, data)
  return data.count
}

/** What was lost while it was told is told the next time. */
export function forgetLoss(losses: Losses, endpoint: string, told: number): void {
  const lost = losses.get(endpoint)
  if (!lost) return
  lost.count -= told
  if (lost.count <= 0) losses.delete(endpoint)
}

export async function tellLosses(ctx: Context, losses: Losses): Promise<void> {
  for (const endpoint of [...losses.keys()])
    forgetLoss(losses, endpoint, await transaction(ctx, (ctx) => tellLoss(ctx, losses, endpoint)))
}
