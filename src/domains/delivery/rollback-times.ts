import type { Context } from '../../core/context.ts'
import { transaction } from '../../core/transaction.ts'
import { append } from './events.ts'
import * as store from './store.ts'

export type RollbackTime = {
  model: string
  kind: 'incident' | 'drill' | 'abort'
  from: string
  to: string
  seconds: number
  restored: number | null
  passed: boolean
}

/** Keeps how long it took from the decision to all of the traffic on the other release, verified. */
export async function recordRollbackTime(ctx: Context, time: RollbackTime): Promise<void> {
  const { model, kind, from, to, seconds, restored, passed } = time
  await transaction(ctx, async (ctx) => {
    await store.insertRollbackTime(ctx, {
      id: ctx.id('rbt'),
      model,
      kind,
      from_release: from,
      to_release: to,
      seconds,
      restored_seconds: restored,
      passed: passed ? 1 : 0,
      at: ctx.now().toISOString(),
    })
    const type = kind === 'drill' ? 'delivery.drilled' : 'delivery.rollback_measured'
    await append(ctx, type, `model/${model}`, { kind, from, to, seconds, passed })
  })
}
