import type { Context } from '../../core/context.ts'
import { millisecondsOf } from '../../core/time.ts'
import * as registry from '../registry/registry.ts'
import { append } from './events.ts'
import { enqueue } from './jobs.ts'
import type { Plan } from './plan.ts'
import type { Guard } from './rules.ts'
import type { ReleaseRecord, RolloutRecord } from './store.ts'
import * as store from './store.ts'
import { requireTraffic, setTraffic } from './traffic.ts'

/** What happens to a rollout next, decided outside and written in one transaction. */
export type Change =
  | { kind: 'stay'; state: 'shadow' | 'step' | 'holding' | 'awaiting_approval' | 'paused' }
  | { kind: 'step'; step: number }
  | { kind: 'promote' }
  | { kind: 'end'; state: 'rolled_back' | 'superseded' }

export type Move = {
  release: ReleaseRecord
  rollout: RolloutRecord
  plan: Plan
  change: Change
  guards: Guard[]
  reason: string
}

/** The step after this one; the last one is all of the traffic. */
export function afterStep(plan: Plan, step: number): Change {
  return (plan.steps[step + 1] ?? 100) >= 100 ? { kind: 'promote' } : { kind: 'step', step: step + 1 }
}

export function shareAfter(plan: Plan, change: Extract<Change, { kind: 'step' | 'promote' }>): number {
  return change.kind === 'promote' ? 1 : (plan.steps[change.step] ?? 100) / 100
}

/** In the transaction that created the release. */
export async function startRollout(ctx: Context, release: ReleaseRecord, plan: Plan): Promise<void> {
  const row: RolloutRecord = {
    release: release.id,
    model: release.model,
    state: 'shadow',
    step: -1,
    share: 0,
    step_started_at: ctx.now().toISOString(),
    next_check_at: null,
    guards: [],
    revision: 0,
  }
  await store.insertRollout(ctx, row)
  await appendHistory(ctx, release.id, { state: 'shadow', share: 0, reason: release.reason, guards: [] })
  const traffic = await requireTraffic(ctx, release.model)
  await setTraffic(ctx, traffic, { ...traffic, canary: null, shadow: targetOf(release) })
  await scheduleCheck(ctx, row, plan)
}

/** Writes the move, its evidence and its routing together; false when somebody else moved the rollout meanwhile. */
export async function applyMove(ctx: Context, move: Move): Promise<boolean> {
  switch (move.change.kind) {
    case 'stay':
      return stay(ctx, move, move.change.state)
    case 'step':
      return beginStep(ctx, move, move.change.step)
    case 'promote':
      return goFullyLive(ctx, move)
    case 'end':
      return end(ctx, move, move.change.state)
  }
}

async function stay(ctx: Context, move: Move, state: Extract<Change, { kind: 'stay' }>['state']): Promise<boolean> {
  const { release, rollout, plan, guards, reason } = move
  if (!(await store.moveRollout(ctx, rollout, { state, guards }))) return false
  if (state !== rollout.state) {
    await appendHistory(ctx, release.id, { state, share: rollout.share, reason, guards })
    await append(ctx, `delivery.rollout_${state}`, `model/${release.model}`, { release: release.id, reason })
  }
  if (state !== 'paused') await scheduleCheck(ctx, rollout, plan)
  return true
}

async function beginStep(ctx: Context, { release, rollout, plan, guards, reason }: Move, step: number) {
  const now = ctx.now().toISOString()
  const share = (plan.steps[step] ?? 100) / 100
  const values = { state: 'step' as const, step, share, step_started_at: now, guards: [] }
  if (!(await store.moveRollout(ctx, rollout, values))) return false
  if (release.first_live_at === null) await store.updateRelease(ctx, release.id, { first_live_at: now })
  await appendHistory(ctx, release.id, { state: 'step', share, reason, guards })
  const traffic = await requireTraffic(ctx, release.model)
  const canary = { ...targetOf(release), share, salt: plan.salt }
  await setTraffic(ctx, traffic, { ...traffic, canary, shadow: null })
  await append(ctx, 'delivery.step_started', `model/${release.model}`, { ...targetOf(release), share })
  await scheduleCheck(ctx, { ...rollout, ...values }, plan)
  return true
}

async function goFullyLive(ctx: Context, { release, rollout, plan, guards, reason }: Move): Promise<boolean> {
  const now = ctx.now().toISOString()
  const { model, id } = release
  const values = { state: 'promoted' as const, step: plan.steps.length - 1, share: 1, step_started_at: now }
  if (!(await store.moveRollout(ctx, rollout, { ...values, guards }))) return false
  const traffic = await requireTraffic(ctx, model)
  const live = targetOf(release)
  const first_live_at = release.first_live_at ?? now
  await store.updateRelease(ctx, id, { state: 'live', first_live_at, fully_live_at: now })
  const replaced = { state: 'retired', ended_at: now, ended_because: `replaced by ${id}` }
  await store.updateRelease(ctx, traffic.live.release, replaced)
  await appendHistory(ctx, id, { state: 'promoted', share: 1, reason, guards })
  await store.appendLive(ctx, { model, ...live, at: now, because: `promoted: ${release.reason}` })
  const warm = await warmFor(ctx, model, traffic.live)
  await setTraffic(ctx, traffic, { ...traffic, live, canary: null, shadow: null, warm })
  await registry.moveLiveAlias(ctx, { model, version: live.version })
  await append(ctx, 'delivery.promoted', `model/${model}`, { release: id, version: live.version, reason })
  await append(ctx, 'delivery.live_changed', `model/${model}`, { model, ...live })
  return true
}

/** What stays loaded so that a rollback is one write: the release before, and the baseline when the spec goes back to it. */
async function warmFor(ctx: Context, model: string, before: { release: string; version: number }) {
  const { spec } = await registry.getModel(ctx, { model })
  const baseline = { release: `${model}.r0`, version: 0 }
  return spec?.delivery.rollback.to === 'baseline' && before.version !== 0 ? [before, baseline] : [before]
}

const caughtBelow = 0.5

/** Takes all traffic away. Below half of the traffic the guardrails caught it; from there on it escaped. */
async function end(ctx: Context, move: Move, state: 'rolled_back' | 'superseded'): Promise<boolean> {
  const { release, rollout, guards, reason } = move
  if (!(await store.moveRollout(ctx, rollout, { state, share: 0, guards }))) return false
  const now = ctx.now().toISOString()
  const failed = state === 'rolled_back'
  const caught = rollout.share < caughtBelow
  await store.updateRelease(ctx, release.id, {
    state,
    ended_at: now,
    ended_because: reason,
    caught: failed ? (caught ? 1 : 0) : null,
    failed_at: failed && !caught ? now : null,
  })
  await appendHistory(ctx, release.id, { state, share: 0, reason, guards })
  const traffic = await requireTraffic(ctx, release.model)
  await setTraffic(ctx, traffic, { ...traffic, canary: null, shadow: null })
  const type = failed ? 'delivery.aborted' : 'delivery.superseded'
  const data = { ...targetOf(release), reason, caught: failed ? caught : null }
  await append(ctx, type, `model/${release.model}`, data)
  return true
}

export function targetOf(release: ReleaseRecord): { release: string; version: number } {
  return { release: release.id, version: release.version }
}

/** A check that fails is tried again, practically without end: a rollout must not go unwatched. */
const checkAttempts = 10_000

export async function scheduleCheck(ctx: Context, rollout: RolloutRecord, plan: Plan): Promise<void> {
  const now = ctx.now().getTime()
  const began = millisecondsOf(rollout.step_started_at)
  const over = began + (rollout.step < 0 ? plan.shadowMs : plan.bakeMs)
  // Checks lie on a grid of times, so that everybody who asks for the next one asks for the same.
  const following = began + (Math.floor((now - began) / plan.checkMs) + 1) * plan.checkMs
  const runAt = new Date(over > now ? Math.min(over, following) : following)
  const key = `delivery.tick/${rollout.release}/${runAt.toISOString()}`
  const payload = { release: rollout.release }
  await enqueue(ctx, { kind: 'delivery.tick', payload, key, runAt, maxAttempts: checkAttempts })
  await store.setNextCheck(ctx, rollout.release, runAt.toISOString())
}

async function appendHistory(
  ctx: Context,
  release: string,
  { state, share, reason, guards }: { state: string; share: number; reason: string; guards: Guard[] },
): Promise<void> {
  const entry = { release, at: ctx.now().toISOString(), state, share, actor: ctx.actor.name, reason }
  await store.appendHistory(ctx, { ...entry, guards })
}
