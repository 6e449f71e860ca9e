import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, conflict, notFound } from '../../core/errors.ts'
import { append } from '../../core/events.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import type { delivery } from './contract.ts'
import { requireRelease, toRelease } from './releases.ts'
import { end } from './rollout.ts'
import type { LiveLogTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof delivery
type Target = { release: string; version: number }

/** The release that was live before the present one. */
function previousOf(log: LiveLogTable[], current: string): Target | undefined {
  const entry = log.findLast(({ release }) => release !== current)
  return entry && { release: entry.release, version: Number(entry.version) }
}

async function requireRouting(ctx: Context, model: string): Promise<serving.Routing> {
  const routing = await serving.getRouting(ctx, model)
  if (!routing) throw notFound('Endpoint', model, `Nothing of "${model}" is live.`)
  return routing
}

/** One pointer write: the warm previous release answers from the next request on. Then the model is pinned. */
export async function rollback(
  ctx: Context,
  { model, reason, to }: Input<Operations['rollback']>,
): Promise<Output<Operations['rollback']>> {
  const started = ctx.clock.elapsed()
  const routing = await requireRouting(ctx, model)
  const log = await store.listLive(ctx, model)
  const target = to === undefined ? previousOf(log, routing.live.release) : targetOf(log, to)
  if (!target) throw conflict(`"${model}" has no earlier release to go back to.`, { name: model })
  if (target.release === routing.live.release)
    throw conflict(`"${target.release}" is live already.`, { name: target.release })
  const wanted = { endpoint: model, live: target, canary: null, shadow: null, warm: [routing.live] }
  await serving.prepareRouting(ctx, wanted)
  await transaction(ctx, async (ctx) => {
    const now = ctx.now().toISOString()
    const open = await store.openRollout(ctx, model)
    if (open)
      await end(ctx, {
        release: await requireRelease(ctx, open.release),
        rollout: open,
        guards: [],
        reason: `aborted by a rollback: ${reason}`,
      })
    await store.updateRelease(ctx, routing.live.release, {
      state: 'rolled_back',
      ended_at: now,
      ended_because: reason,
      caught: 0,
    })
    await store.updateRelease(ctx, target.release, { state: 'live', ended_at: null, ended_because: null })
    await store.appendLive(ctx, {
      model,
      ...target,
      at: now,
      because: `rolled back from ${routing.live.release}: ${reason}`,
    })
    await store.savePin(ctx, { model, pinned: 1, reason, at: now })
    await serving.setRouting(ctx, wanted)
    await registry.moveLiveAlias(ctx, { model, version: target.version })
    await append(ctx, 'delivery.rolled_back', `model/${model}`, {
      from: routing.live.release,
      to: target.release,
      reason,
    })
    await append(ctx, 'delivery.live_changed', `model/${model}`, { model, ...target })
  })
  verify(ctx, model, target)
  const seconds = (ctx.clock.elapsed() - started) / 1000
  await remember(ctx, {
    model,
    kind: 'incident',
    from: routing.live.release,
    to: target.release,
    seconds,
    restored: null,
    passed: true,
  })
  return {
    release: toRelease(await requireRelease(ctx, target.release)),
    replaced: toRelease(await requireRelease(ctx, routing.live.release)),
    seconds,
    pinned: true,
    undo: `keel rollback ${model} --to ${routing.live.release} --reason "…"`,
  }
}

function targetOf(log: LiveLogTable[], release: string): Target {
  const entry = log.findLast((row) => row.release === release)
  if (!entry)
    throw conflict(`"${release}" has never been live.`, {
      name: release,
      hint: 'List what was: keel live <model> --all',
    })
  return { release, version: Number(entry.version) }
}

/** The gateway of this server must answer with the target now. */
function verify(ctx: Context, model: string, target: Target): void {
  const current = serving.currentRouting(ctx, model)
  const ready = serving.getEndpoint(ctx, { endpoint: model }).ready
  if (current?.live.release !== target.release || !ready) {
    throw new AppError('internal', `The gateway does not answer with "${target.release}".`)
  }
}

type Measured = {
  model: string
  kind: 'incident' | 'drill'
  from: string
  to: string
  seconds: number
  restored: number | null
  passed: boolean
}

async function remember(ctx: Context, { model, kind, from, to, seconds, restored, passed }: Measured): Promise<void> {
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
    await append(ctx, `delivery.${kind === 'drill' ? 'drilled' : 'rollback_measured'}`, `model/${model}`, {
      from,
      to,
      seconds,
      passed,
    })
  })
}

export function unpin(
  ctx: Context,
  { model, reason }: Input<Operations['unpin']>,
): Promise<Output<Operations['unpin']>> {
  return transaction(ctx, async (ctx) => {
    await registry.getModel(ctx, { model })
    await store.savePin(ctx, { model, pinned: 0, reason, at: ctx.now().toISOString() })
    await append(ctx, 'delivery.unpinned', `model/${model}`, { reason })
    return { model, pinned: false }
  })
}

/** Rolls back for real on the warm pair and restores. The release log is untouched: its events tell of the drill. */
export async function drill(ctx: Context, { model }: Input<Operations['drill']>): Promise<Output<Operations['drill']>> {
  const routing = await requireRouting(ctx, model)
  const open = await store.openRollout(ctx, model)
  if (open)
    throw conflict(`"${open.release}" is rolling out; a drill would disturb its evidence.`, { name: open.release })
  const target = previousOf(await store.listLive(ctx, model), routing.live.release)
  if (!target) throw conflict(`"${model}" has no earlier release to rehearse with.`, { name: model })
  const away = { endpoint: model, live: target, canary: null, shadow: null, warm: [routing.live] }
  await serving.prepareRouting(ctx, away)
  const seconds = await switchTo(ctx, away)
  const { revision: _, ...back } = routing
  const restoredSeconds = await switchTo(ctx, { ...back, warm: [target] })
  await remember(ctx, {
    model,
    kind: 'drill',
    from: routing.live.release,
    to: target.release,
    seconds,
    restored: restoredSeconds,
    passed: true,
  })
  return { model, from: routing.live.release, to: target.release, seconds, restoredSeconds, passed: true }
}

async function switchTo(ctx: Context, routing: Omit<serving.Routing, 'revision'>): Promise<number> {
  const started = ctx.clock.elapsed()
  await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
  verify(ctx, routing.endpoint, routing.live)
  return (ctx.clock.elapsed() - started) / 1000
}
