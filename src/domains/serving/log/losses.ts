import type { Context } from '../../../core/context.ts'
import { transaction } from '../../../core/transaction.ts'
import { append } from '../../../core/work/work.ts'
import type { Logged } from './record.ts'

/** By endpoint, what was answered and never written down, and nobody was told of yet. */
export type Losses = Map<string, { count: number; from: string; to: string }>

export function addLoss(losses: Losses, { endpoint, at }: Pick<Logged, 'endpoint' | 'at'>): void {
  const lost = losses.get(endpoint) ?? { count: 0, from: at, to: at }
  lost.count += 1
  lost.to = at
  losses.set(endpoint, lost)
}

/** Within a transaction; returns how many it told of, to be forgotten once that is committed. */
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
