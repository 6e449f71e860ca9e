import type { Context } from '../../core/context.ts'
import { transaction } from '../../core/transaction.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'
import { append } from './events.ts'
import { refused } from './requirements/requirements.ts'
import { endSeen } from './seen.ts'
import * as store from './store.ts'
import { findTraffic, prepareTraffic, setTraffic } from './traffic.ts'

type Version = Awaited<ReturnType<typeof registry.getVersion>>

/** The first release of a model finds nothing to be compared with: what answers without it goes live before it. */
export async function ensureBaseline(ctx: Context, spec: ModelSpec, version: Version): Promise<void> {
  const { model } = spec
  if (await findTraffic(ctx, model)) return
  const id = `${model}.r0`
  const reason = spec.delivery.external
    ? 'Whatever answered before Keel knew of it.'
    : await baselineReason(ctx, spec, version)
  const traffic = { endpoint: model, live: { release: id, version: 0 }, canary: null, shadow: null, warm: [] }
  await prepareTraffic(ctx, traffic)
  await transaction(ctx, async (ctx) => {
    if (await findTraffic(ctx, model)) return
    const now = ctx.now().toISOString()
    await store.insertRelease(ctx, {
      id,
      model,
      number: 0,
      version: 0,
      kind: 'baseline',
      trigger_kind: 'human',
      state: 'live',
      reason,
      owner: spec.owner,
      backup: spec.backup,
      plan: {},
      plan_digest: '',
      created_at: now,
      created_by: ctx.actor.name,
      first_live_at: now,
      fully_live_at: now,
    })
    await endSeen(ctx, model)
    await store.appendLive(ctx, { model, release: id, version: 0, at: now, because: 'baseline' })
    await setTraffic(ctx, undefined, traffic)
    await append(ctx, 'delivery.live_changed', `model/${model}`, { model, release: id, version: 0 })
  })
}

/** The constant that answers without the model is kept: from now on version 0 answers with it. */
async function baselineReason(ctx: Context, spec: ModelSpec, version: Version): Promise<string> {
  const found = await evaluation.constantBaseline(ctx, { spec, version })
  if (found === null)
    throw refused([`a baseline: the golden set of "${spec.model}" has no items, and its spec no "serves.default"`])
  const { value, because } = found
  await transaction(ctx, (ctx) => registry.setBaseline(ctx, { model: spec.model, value }))
  const shown = typeof value === 'number' ? value.toFixed(4) : JSON.stringify(value)
  return `Built-in baseline: always ${shown}, ${because}.`
}
