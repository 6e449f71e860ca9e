import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { transaction } from '../../core/transaction.ts'
import { append, latestEvents } from '../../core/work/work.ts'
import type { review } from './contract.ts'
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
const deciding: Record<string, string> = {
  'delivery.release_created': 'released',
  'delivery.promoted': 'promoted',
  'delivery.rolled_back': 'rolled back',
  'delivery.aborted': 'aborted',
  'delivery.unpinned': 'unpinned',
  'delivery.approved': 'approved',
  'delivery.superseded': 'superseded',
  'delivery.policy_overridden': 'overrode the policy',
}

export async function listDecisions(
  ctx: Context,
  { model, limit = 100, cursor }: Input<Operations['listDecisions']>,
): Promise<Output<Operations['listDecisions']>> {
  const own = await store.listDecisions(ctx, model, cursor, limit)
  const subject = model === undefined ? undefined : `model/${model}`
  const implied: Decision[] = []
  for (const [type, word] of Object.entries(deciding)) {
    for (const event of await latestEvents(ctx, { limit, type, subject })) {
      const target = String(event.data['release'] ?? event.data['to'] ?? '')
      implied.push({
        id: `event_${event.seq}`,
        at: event.at,
        model: event.subject.replace(/^model\//, ''),
        what: `${word} ${target}`.trim(),
        reason: String(event.data['reason'] ?? ''),
        actor: event.actor,
        evidence: target === '' ? null : target,
      })
    }
  }
  const items = [...own, ...implied].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, limit)
  return { items }
}
