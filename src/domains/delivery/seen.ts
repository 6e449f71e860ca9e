import type { Context } from '../../core/context.ts'
import { isoOf, millisecondsOf } from '../../core/tables/tables.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'
import { append } from './events.ts'
import { follow, type Known, type Sighting, type Step } from './seen-rules.ts'
import type { ReleaseRecord } from './store.ts'
import * as store from './store.ts'
import { findTraffic } from './traffic.ts'

/**
 * Recorded predictions tell which release answers elsewhere: a name that is new is a deployment, an older one that comes back
 * is a rollback. Where traffic is sent from here, or by the model's own commands, that log tells, and names are only names.
 */
export function countSeen(ctx: Context, { model, seen }: { model: string; seen: readonly Sighting[] }): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const spec = await registry.currentSpec(ctx, model)
    if (!spec || seen.length === 0 || (await findTraffic(ctx, model))) return
    const all = await store.listReleases(ctx, model)
    const ids = new Set(all.filter(({ seen_as }) => seen_as === null).map(({ id }) => id))
    const known = all.flatMap(({ seen_as, first_live_at, created_at }): Known[] =>
      seen_as === null ? [] : [{ name: seen_as, firstAt: first_live_at ?? created_at }],
    )
    const sightings = seen.filter(({ name }) => !ids.has(name))
    const { seen: next, steps } = follow(await store.findSeen(ctx, model), known, sightings)
    for (const step of steps) await (step.kind === 'new' ? begin(ctx, spec, step) : goBack(ctx, model, step))
    if (next) await store.saveSeen(ctx, model, next)
  })
}

async function begin(ctx: Context, spec: ModelSpec, step: Extract<Step, { kind: 'new' }>): Promise<void> {
  const { model, owner, backup } = spec
  const { name, version, at, live, replaces } = step
  const number = Number((await store.listReleases(ctx, model, undefined, 1))[0]?.number ?? 0) + 1
  const id = `${model}.r${number}`
  const reason = `seen in predictions as "${name}"`
  if (replaces !== undefined)
    await end(ctx, await requireSeen(ctx, model, replaces), { at, because: `replaced by ${id}` })
  await store.insertRelease(ctx, {
    id,
    seen_as: name,
    model,
    number,
    version,
    kind: 'external',
    trigger_kind: 'human',
    state: live ? 'live' : 'retired',
    reason,
    owner,
    backup,
    plan: {},
    plan_digest: '',
    created_at: at,
    created_by: ctx.actor.name,
    first_live_at: at,
    fully_live_at: at,
  })
  await store.appendLive(ctx, { model, release: id, version, at, because: reason })
  await append(ctx, 'delivery.release_seen', `model/${model}`, { release: id, name, version, at })
  if (live) await moveAlias(ctx, model, version)
}

async function goBack(ctx: Context, model: string, step: Extract<Step, { kind: 'back' }>): Promise<void> {
  const { at, forward, caught } = step
  const from = await requireSeen(ctx, model, step.from)
  const to = await requireSeen(ctx, model, step.name)
  const because = `predictions name "${step.name}" again, and "${step.from}" no more`
  await end(ctx, from, { at, because, ...(forward ? {} : { failed: { caught } }) })
  await store.updateRelease(ctx, to.id, { state: 'live', ended_at: null, ended_because: null })
  await store.appendLive(ctx, { model, release: to.id, version: to.version, at, because })
  await append(ctx, 'delivery.rollback_seen', `model/${model}`, { from: from.id, to: to.id, at, forward })
  await moveAlias(ctx, model, to.version)
}

type Ending = { at: string; because: string; failed?: { caught: boolean } }

/** One that had less than half of the traffic was caught, as in a rollout from here. */
function end(ctx: Context, { id }: ReleaseRecord, { at, because, failed }: Ending): Promise<void> {
  const caught = failed?.caught === true
  return store.updateRelease(ctx, id, {
    state: failed ? 'rolled_back' : 'retired',
    ended_at: at,
    ended_because: because,
    ...(failed ? { caught: caught ? 1 : 0, failed_at: caught ? null : at } : {}),
  })
}

async function requireSeen(ctx: Context, model: string, name: string): Promise<ReleaseRecord> {
  const found = await store.findSeenRelease(ctx, model, name)
  if (!found) throw new Error(`"${name}" of "${model}" was never seen.`)
  return found
}

/** `live` says which registered version answers, wherever it does; without a version, which one is not known. */
function moveAlias(ctx: Context, model: string, version: number): Promise<void> {
  return registry.moveLiveAlias(ctx, { model, version })
}

/** From now on traffic is sent from here: what was seen until then is over. */
export async function endSeen(ctx: Context, model: string): Promise<void> {
  const seen = await store.findSeen(ctx, model)
  if (!seen) return
  const release = await requireSeen(ctx, model, seen.live)
  if (release.state !== 'live') return
  const at = isoOf(Math.max(ctx.now().getTime(), millisecondsOf(seen.since)))
  await end(ctx, release, { at, because: 'its traffic is sent from here now' })
}
