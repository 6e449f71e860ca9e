import { latestOf } from '../../core/background/background.ts'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { nameIn } from '../../core/event-contract.ts'
import { transaction } from '../../core/transaction.ts'
import { events as delivery } from '../delivery/events.ts'
import type { review } from './contract.ts'
import { append } from './events.ts'
import * as store from './store.ts'

type Operations = typeof review
type Decision = Output<Operations['decide']>

export function decide(
  ctx: Context,
  { model, what, reason, evidence }: Input<Operations['decide']>,
): Promise<Decision> {
  return transaction(ctx, async (ctx) => {
    const row = {
      id: ctx.id('dec'),
      at: ctx.now().toISOString(),
      model: model ?? null,
      what,
      reason,
      actor: ctx.actor.name,
      evidence: evidence ?? null,
    }
    await store.insertDecision(ctx, row)
    await append(ctx, 'review.decided', model === undefined ? 'project/all' : `model/${model}`, {
      decision: row.id,
      what,
      reason,
    })
    return row
  })
}

/** Events that are decisions by themselves: who did them and why is in the audit log already. */
const deciding = [
  ['delivery.release_created', 'released'],
  ['delivery.promoted', 'promoted'],
  ['delivery.rolled_back', 'rolled back'],
  ['delivery.aborted', 'aborted'],
  ['delivery.unpinned', 'unpinned'],
  ['delivery.approved', 'approved'],
  ['delivery.superseded', 'superseded'],
  ['delivery.policy_overridden', 'overrode the policy'],
] as const satisfies [keyof typeof delivery, string][]

export async function listDecisions(
  ctx: Context,
  { model, limit = 100, cursor }: Input<Operations['listDecisions']>,
): Promise<Output<Operations['listDecisions']>> {
  const own = await store.listDecisions(ctx, model, cursor, limit)
  const subject = model === undefined ? undefined : `model/${model}`
  const implied: Decision[] = []
  for (const [type, word] of deciding) {
    for (const { seq, at, subject: about, actor, data } of await latestOf(ctx, delivery, { limit, type, subject })) {
      const target = targetOf(data)
      implied.push({
        id: `event_${seq}`,
        at,
        model: nameIn(about),
        what: target === undefined ? word : `${word} ${target}`,
        reason: data.reason ?? '',
        actor,
        evidence: target ?? null,
      })
    }
  }
  const items = [...own, ...implied].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, limit)
  return { items }
}

/** The release that a decision was about, or went back to. */
function targetOf(data: { release?: string } | { to?: string } | object): string | undefined {
  if ('release' in data) return data.release
  return 'to' in data ? data.to : undefined
}
