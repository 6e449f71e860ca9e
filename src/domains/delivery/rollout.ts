import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { conflict, notFound } from '../../core/errors.ts'
import { append } from '../../core/events.ts'
import { enqueue } from '../../core/jobs.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import type { delivery, RolloutState } from './contract.ts'
import * as rules from './rules.ts'
import type { ReleasesTable, RolloutsTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof delivery
type Rollout = Output<Operations['getRollout']>
type Action = Input<Operations['promote']>
type Guards = Rollout['guards']

/** In the transaction that created the release. */
export async function startRollout(ctx: Context, release: ReleasesTable, plan: rules.Plan): Promise<void> {
  const now = ctx.now()
  const row: RolloutsTable = {
    release: release.id,
    model: release.model,
    state: 'shadow',
    step: -1,
    share: 0,
    step_started_at: now.toISOString(),
    next_check_at: null,
    guards: '[]',
    revision: 0,
  }
  await store.insertRollout(ctx, row)
  await note(ctx, release.id, { state: 'shadow', share: 0, reason: release.reason, guards: [] })
  await route(ctx, release, { shadow: true, share: 0, plan })
  await scheduleCheck(ctx, row, plan)
}

async function scheduleCheck(ctx: Context, rollout: RolloutsTable, plan: rules.Plan): Promise<void> {
  const now = ctx.now().getTime()
  const end = Date.parse(rollout.step_started_at) + (rollout.step < 0 ? plan.shadowMs : plan.bakeMs)
  const runAt = new Date(end > now ? Math.min(end, now + plan.checkMs) : now + plan.checkMs)
  const key = `delivery.tick/${rollout.release}/${runAt.toISOString()}`
  await enqueue(ctx, { kind: 'delivery.tick', payload: { release: rollout.release }, key, runAt })
}

async function note(
  ctx: Context,
  release: string,
  entry: { state: string; share: number; reason: string; guards: Guards },
): Promise<void> {
  const { state, share, reason, guards } = entry
  const at = ctx.now().toISOString()
  await store.appendHistory(ctx, {
    release,
    at,
    state,
    share,
    actor: ctx.actor.name,
    reason,
    guards: JSON.stringify(guards),
  })
}

/** One routing write: who gets what from now on. */
async function route(
  ctx: Context,
  release: ReleasesTable,
  { shadow, share, plan }: { shadow: boolean; share: number; plan: rules.Plan },
): Promise<void> {
  const routing = await serving.getRouting(ctx, release.model)
  if (!routing) throw notFound('Endpoint', release.model)
  const target = { release: release.id, version: Number(release.version) }
  await serving.setRouting(ctx, {
    ...routing,
    canary: share > 0 ? { ...target, share, salt: plan.salt } : null,
    shadow: shadow ? target : null,
  })
}

/** The job behind every rollout: look at the evidence, decide, move. */
export async function tick(ctx: Context, payload: Record<string, unknown>): Promise<unknown> {
  const id = String(payload['release'])
  const rollout = await store.findRollout(ctx, id)
  if (!rollout || !rules.isOpen(rollout.state) || rollout.state === 'paused') return { state: rollout?.state ?? 'gone' }
  const release = await requireRelease(ctx, id)
  const plan = JSON.parse(release.plan) as rules.Plan
  const guards = await judge(ctx, release, rollout, plan)
  const elapsedMs = ctx.now().getTime() - Date.parse(rollout.step_started_at)
  const decision = rules.decide(plan, { step: Number(rollout.step), elapsedMs, guards })
  await transaction(ctx, async (ctx) => {
    if (decision.kind === 'abort') await end(ctx, { release, rollout, guards, reason: decision.reason })
    else if (decision.kind === 'advance')
      await advance(ctx, { release, rollout, plan, guards, reason: decision.reason })
    else {
      const state = decision.kind === 'hold' ? 'holding' : rollout.state === 'holding' ? inStep(rollout) : rollout.state
      if (!(await store.moveRollout(ctx, rollout, { state, guards: JSON.stringify(guards) }))) return
      if (state !== rollout.state) await note(ctx, id, { state, share: rollout.share, reason: decision.reason, guards })
      await scheduleCheck(ctx, rollout, plan)
    }
  })
  return { decision: decision.kind }
}

function inStep(rollout: RolloutsTable): 'shadow' | 'step' {
  return Number(rollout.step) < 0 ? 'shadow' : 'step'
}

async function judge(ctx: Context, release: ReleasesTable, rollout: RolloutsTable, plan: rules.Plan): Promise<Guards> {
  const history = await store.listHistory(ctx, release.id)
  const seen = await serving.readLog(ctx, {
    endpoint: release.model,
    from: release.created_at,
    to: ctx.now().toISOString(),
  })
  const standing = {
    step: Number(rollout.step),
    stepStartedAt: rollout.step_started_at,
    shares: history.map(({ at, share }) => ({ at, share })),
  }
  const firstTraffic = history.find(({ share }) => share > 0)?.at ?? release.created_at
  const relevant = seen.filter(
    (one) => (one.arm === 'shadow' || one.at >= firstTraffic) && (one.arm === 'live' || one.release === release.id),
  )
  return rules.judge(plan, standing, relevant)
}

type Move = { release: ReleasesTable; rollout: RolloutsTable; plan: rules.Plan; guards: Guards; reason: string }

async function advance(ctx: Context, { release, rollout, plan, guards, reason }: Move): Promise<void> {
  const step = Number(rollout.step) + 1
  const percent = plan.steps[step] ?? 100
  if (percent >= 100) return promoteFully(ctx, { release, rollout, plan, guards, reason })
  const now = ctx.now().toISOString()
  const moved: RolloutsTable = { ...rollout, state: 'step', step, share: percent / 100, step_started_at: now }
  const values = { state: 'step', step, share: percent / 100, step_started_at: now, guards: JSON.stringify(guards) }
  if (!(await store.moveRollout(ctx, rollout, values))) return
  if (release.first_live_at === null) await store.updateRelease(ctx, release.id, { first_live_at: now })
  await note(ctx, release.id, { state: 'step', share: percent / 100, reason, guards })
  await route(ctx, release, { shadow: false, share: percent / 100, plan })
  await append(ctx, 'delivery.step_started', `model/${release.model}`, { release: release.id, share: percent / 100 })
  await scheduleCheck(ctx, moved, plan)
}

async function promoteFully(ctx: Context, { release, rollout, plan, guards, reason }: Move): Promise<void> {
  const routing = await serving.getRouting(ctx, release.model)
  if (!routing) throw notFound('Endpoint', release.model)
  const now = ctx.now().toISOString()
  const step = plan.steps.length - 1
  const values = { state: 'promoted', step, share: 1, step_started_at: now, guards: JSON.stringify(guards) }
  if (!(await store.moveRollout(ctx, rollout, values))) return
  const version = Number(release.version)
  await store.updateRelease(ctx, release.id, {
    state: 'live',
    first_live_at: release.first_live_at ?? now,
    fully_live_at: now,
  })
  await store.updateRelease(ctx, routing.live.release, {
    state: 'retired',
    ended_at: now,
    ended_because: `replaced by ${release.id}`,
  })
  await note(ctx, release.id, { state: 'promoted', share: 1, reason, guards })
  await store.appendLive(ctx, {
    model: release.model,
    release: release.id,
    version,
    at: now,
    because: `promoted: ${release.reason}`,
  })
  await serving.setRouting(ctx, {
    ...routing,
    live: { release: release.id, version },
    canary: null,
    shadow: null,
    warm: [routing.live],
  })
  await registry.moveLiveAlias(ctx, { model: release.model, version })
  await append(ctx, 'delivery.promoted', `model/${release.model}`, { release: release.id, version, reason })
  await append(ctx, 'delivery.live_changed', `model/${release.model}`, {
    model: release.model,
    release: release.id,
    version,
  })
}

const caughtBelow = 0.5

/** Takes all traffic away. Below half of the traffic the guardrails caught it; from there on it escaped. */
export async function end(ctx: Context, { release, rollout, guards, reason }: Omit<Move, 'plan'>): Promise<void> {
  if (!(await store.moveRollout(ctx, rollout, { state: 'rolled_back', guards: JSON.stringify(guards) }))) return
  const caught = rollout.share < caughtBelow
  const now = ctx.now().toISOString()
  await store.updateRelease(ctx, release.id, {
    state: 'rolled_back',
    ended_at: now,
    ended_because: reason,
    caught: caught ? 1 : 0,
  })
  await note(ctx, release.id, { state: 'rolled_back', share: 0, reason, guards })
  const routing = await serving.getRouting(ctx, release.model)
  if (routing) await serving.setRouting(ctx, { ...routing, canary: null, shadow: null })
  await append(ctx, 'delivery.aborted', `model/${release.model}`, { release: release.id, reason, caught })
}

export async function getRollout(ctx: Context, { release }: Input<Operations['getRollout']>): Promise<Rollout> {
  const rollout = await requireRollout(ctx, release)
  const plan = JSON.parse((await requireRelease(ctx, release)).plan) as rules.Plan
  const history = await store.listHistory(ctx, release)
  return {
    release,
    model: rollout.model,
    state: rollout.state as Rollout['state'],
    step: Number(rollout.step),
    steps: plan.steps,
    share: rollout.share,
    stepStartedAt: rollout.step_started_at,
    nextCheckAt: rollout.next_check_at,
    guards: JSON.parse(rollout.guards) as Guards,
    history: history.map(({ at, state, share, actor, reason }) => ({
      at,
      state: state as RolloutState,
      share,
      actor,
      reason,
    })),
  }
}

export function promote(ctx: Context, { release: id, reason = 'promoted by hand' }: Action): Promise<Rollout> {
  return steer(ctx, id, async (ctx, release, rollout) => {
    const plan = JSON.parse(release.plan) as rules.Plan
    await advance(ctx, { release, rollout, plan, guards: JSON.parse(rollout.guards) as Guards, reason })
  })
}

export function pause(ctx: Context, { release: id, reason = 'paused by hand' }: Action): Promise<Rollout> {
  return steer(ctx, id, async (ctx, release, rollout) => {
    if (rollout.state === 'paused' || !(await store.moveRollout(ctx, rollout, { state: 'paused' }))) return
    await note(ctx, release.id, { state: 'paused', share: rollout.share, reason, guards: [] })
  })
}

export function resume(ctx: Context, { release: id, reason = 'resumed by hand' }: Action): Promise<Rollout> {
  return steer(ctx, id, async (ctx, release, rollout) => {
    if (rollout.state !== 'paused' || !(await store.moveRollout(ctx, rollout, { state: inStep(rollout) }))) return
    await note(ctx, release.id, { state: inStep(rollout), share: rollout.share, reason, guards: [] })
    await scheduleCheck(ctx, rollout, JSON.parse(release.plan) as rules.Plan)
  })
}

export async function abort(ctx: Context, { release: id, reason = 'aborted by hand' }: Action): Promise<Rollout> {
  const rollout = await requireRollout(ctx, id)
  if (rollout.state === 'rolled_back') return getRollout(ctx, { release: id })
  return steer(ctx, id, (ctx, release, rollout) =>
    end(ctx, { release, rollout, guards: JSON.parse(rollout.guards) as Guards, reason }),
  )
}

type Steer = (ctx: Context, release: ReleasesTable, rollout: RolloutsTable) => Promise<void>

/** A person moves an open rollout; on a finished one there is nothing to move. */
function steer(ctx: Context, id: string, act: Steer): Promise<Rollout> {
  return transaction(ctx, async (ctx) => {
    const rollout = await requireRollout(ctx, id)
    if (!rules.isOpen(rollout.state)) {
      throw conflict(`The rollout of "${id}" is over: ${rollout.state.replaceAll('_', ' ')}.`, {
        name: id,
        hint: `keel rollback ${rollout.model} --reason "…"`,
      })
    }
    await act(ctx, await requireRelease(ctx, id), rollout)
    return getRollout(ctx, { release: id })
  })
}

async function requireRollout(ctx: Context, release: string): Promise<RolloutsTable> {
  const rollout = await store.findRollout(ctx, release)
  if (!rollout) throw notFound('Rollout', release, 'List releases with "keel releases <model>".')
  return rollout
}

async function requireRelease(ctx: Context, id: string): Promise<ReleasesTable> {
  const row = await store.findRelease(ctx, id)
  if (!row) throw notFound('Release', id)
  return row
}
