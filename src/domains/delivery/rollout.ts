import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, conflict, notFound } from '../../core/errors.ts'
import type { JobInput, JobOutput } from '../../core/job-contract.ts'
import { millisecondsOf } from '../../core/time.ts'
import { transaction } from '../../core/transaction.ts'
import { isApproved } from './approvals.ts'
import type { delivery } from './contract.ts'
import { forecastOf, guardsNow, lookAt } from './evidence/evidence.ts'
import { runExternal } from './external.ts'
import { enqueue, type jobs } from './jobs.ts'
import type { Plan } from './plan.ts'
import { hasRegisteredPlan, planIn, requireRelease } from './releases.ts'
import { recordRollbackTime } from './rollback-times.ts'
import * as rules from './rules.ts'
import type { ReleaseRecord, RolloutRecord } from './store.ts'
import * as store from './store.ts'
import { requireTraffic } from './traffic.ts'
import { afterStep, applyMove, type Change, type Move, shareAfter } from './transitions.ts'

type Operations = typeof delivery
type Rollout = Output<Operations['getRollout']>
type Action = Input<Operations['promote']>

type TickJob = (typeof jobs)['delivery.tick']
type TickResult = JobOutput<TickJob>

/** The job behind every rollout: look at the evidence, decide, move. */
export async function tick(ctx: Context, { release: id }: JobInput<TickJob>): Promise<TickResult> {
  const rollout = await store.findRollout(ctx, id)
  if (!rollout || !rules.isOpen(rollout.state) || rollout.state === 'paused') return { state: rollout?.state ?? 'gone' }
  const release = await requireRelease(ctx, id)
  const plan = planIn(release)
  const guards = await lookAt(ctx, release, rollout, plan)
  const elapsedMs = ctx.now().getTime() - millisecondsOf(rollout.step_started_at)
  const approved = !plan.approval || (await isApproved(ctx, release))
  const step = rollout.step
  const decision = hasRegisteredPlan(release)
    ? rules.decide(plan, { step, elapsedMs, guards, approved })
    : { kind: 'hold' as const, reason: 'The plan is not the one that was registered before the first request.' }
  await perform(ctx, {
    release,
    rollout,
    plan,
    guards,
    reason: decision.reason,
    change: changeOf(decision, plan, rollout),
  })
  return { decision: decision.kind }
}

function changeOf({ kind }: rules.Decision, plan: Plan, rollout: RolloutRecord): Change {
  if (kind === 'abort') return { kind: 'end', state: 'rolled_back' }
  if (kind === 'advance') return afterStep(plan, rollout.step)
  if (kind === 'hold') return { kind: 'stay', state: 'holding' }
  return { kind: 'stay', state: kind === 'await' ? 'awaiting_approval' : inStep(rollout) }
}

function inStep(rollout: RolloutRecord): 'shadow' | 'step' {
  return rollout.step < 0 ? 'shadow' : 'step'
}

/** An external deployment is moved first, then the move is written: when the former fails nothing has changed here. */
async function perform(ctx: Context, move: Move): Promise<boolean> {
  const { release, rollout, plan, change } = move
  const started = ctx.clock.elapsed()
  if (plan.external) await moveExternally(ctx, move)
  const moved = await transaction(ctx, (ctx) => applyMove(ctx, move))
  if (moved && change.kind === 'end' && rollout.share > 0) {
    const seconds = (ctx.clock.elapsed() - started) / 1000
    const to = (await store.listLive(ctx, release.model)).at(-1)?.release ?? ''
    await recordRollbackTime(ctx, {
      model: release.model,
      kind: 'abort',
      from: release.id,
      to,
      seconds,
      restored: null,
      passed: true,
    })
  }
  return moved
}

/** A deploy gets the new release, a rollback the one that is live and stays so. */
async function moveExternally(ctx: Context, { release, rollout, plan, change }: Move): Promise<void> {
  if (change.kind === 'step' || change.kind === 'promote') {
    await runExternal(ctx, release, { action: 'deploy', share: shareAfter(plan, change) })
  } else if (change.kind === 'end' && rollout.share > 0) {
    const { live } = await requireTraffic(ctx, release.model)
    await runExternal(ctx, await requireRelease(ctx, live.release), { action: 'rollback', share: 1 })
  }
}

export async function getRollout(ctx: Context, { release }: Input<Operations['getRollout']>): Promise<Rollout> {
  const rollout = await requireRollout(ctx, release)
  const row = await requireRelease(ctx, release)
  const plan = planIn(row)
  const guards = rules.isOpen(rollout.state) ? await guardsNow(ctx, row, rollout, plan) : rollout.guards
  const history = await store.listHistory(ctx, release)
  return {
    release,
    model: rollout.model,
    state: rollout.state as Rollout['state'],
    step: rollout.step,
    steps: plan.steps,
    share: rollout.share,
    stepStartedAt: rollout.step_started_at,
    nextCheckAt: rules.isOpen(rollout.state) ? rollout.next_check_at : null,
    guards,
    forecast: forecastOf(plan, { ...rollout, guards }),
    history: history.map(({ at, state, share, actor, reason, guards }) => ({
      at,
      state: state as Rollout['state'],
      share,
      actor,
      reason,
      evidence: guards,
    })),
  }
}

export function promote(ctx: Context, { release, reason = 'promoted by hand' }: Action): Promise<Rollout> {
  return steer(ctx, release, { goal: 'promoted', reason }, () => ({ kind: 'promote' }))
}

/** The caller names the step to leave, so that the same command sent twice leaves one step. */
export function skip(ctx: Context, input: Input<Operations['skip']>): Promise<Rollout> {
  const { release, step, reason = 'skipped by hand' } = input
  return steer(ctx, release, { goal: 'promoted', reason }, (rollout, plan) => {
    if (step > rollout.step) {
      throw conflict(`"${release}" has not reached that step yet.`, { name: release, hint: `keel rollout ${release}` })
    }
    return step < rollout.step ? undefined : afterStep(plan, step)
  })
}

export function pause(ctx: Context, { release, reason = 'paused by hand' }: Action): Promise<Rollout> {
  return steer(ctx, release, { reason }, (rollout) =>
    rollout.state === 'paused' ? undefined : { kind: 'stay', state: 'paused' },
  )
}

export function resume(ctx: Context, { release, reason = 'resumed by hand' }: Action): Promise<Rollout> {
  return steer(ctx, release, { reason }, (rollout) =>
    rollout.state === 'paused' ? { kind: 'stay', state: inStep(rollout) } : undefined,
  )
}

/** Needs nothing but the routing: neither the log nor the analytics have to work. */
export function abort(ctx: Context, { release, reason = 'aborted by hand' }: Action): Promise<Rollout> {
  return steer(ctx, release, { goal: 'rolled_back', reason }, () => ({ kind: 'end', state: 'rolled_back' }))
}

const attempts = 5

type SteerRequest = { goal?: 'promoted' | 'rolled_back'; reason: string }

/**
 * A person moves an open rollout. `changeFor` gives the change, or undefined when there is nothing to change. A rollout
 * that is over answers as it did before when it ended in the `goal` of the command, and is a conflict otherwise.
 */
async function steer(
  ctx: Context,
  id: string,
  { goal, reason }: SteerRequest,
  changeFor: (rollout: RolloutRecord, plan: Plan) => Change | undefined,
): Promise<Rollout> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const rollout = await requireRollout(ctx, id)
    const release = await requireRelease(ctx, id)
    if (rollout.state === goal) return getRollout(ctx, { release: id })
    if (!rules.isOpen(rollout.state)) throw isOver(rollout)
    const plan = planIn(release)
    const change = changeFor(rollout, plan)
    if (change === undefined) return getRollout(ctx, { release: id })
    if (change.kind === 'step' || change.kind === 'promote') await checkApproval(ctx, release, plan)
    const guards = rollout.guards
    if (await perform(ctx, { release, rollout, plan, change, guards, reason })) return getRollout(ctx, { release: id })
  }
  throw conflict(`The rollout of "${id}" keeps moving; try again.`, { name: id })
}

async function checkApproval(ctx: Context, release: ReleaseRecord, plan: Plan): Promise<void> {
  if (!plan.approval || (await isApproved(ctx, release))) return
  throw new AppError('needs_approval', `"${release.id}" needs the approval of a second person.`, {
    name: release.id,
    hint: `keel approve ${release.model}@${release.version} --reason "…"`,
  })
}

function isOver(rollout: RolloutRecord): AppError {
  const how = rollout.state.replaceAll('_', ' ')
  return conflict(`The rollout of "${rollout.release}" is over: ${how}.`, {
    name: rollout.release,
    hint: `keel rollback ${rollout.model} --reason "…"`,
  })
}

/** At start: every open rollout is checked, since a crash may have taken its next check with it. */
export async function resumeChecks(ctx: Context): Promise<void> {
  for (const { release } of await store.listOpenRollouts(ctx)) {
    await transaction(ctx, (ctx) => enqueue(ctx, { kind: 'delivery.tick', payload: { release } }))
  }
}

async function requireRollout(ctx: Context, release: string): Promise<RolloutRecord> {
  const rollout = await store.findRollout(ctx, release)
  if (!rollout) throw notFound('Rollout', release, 'List releases with "keel releases <model>".')
  return rollout
}
