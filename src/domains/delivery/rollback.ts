import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, conflict } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import type { delivery } from './contract.ts'
import { append } from './events.ts'
import { runExternal } from './external.ts'
import { planIn, requireRelease, toRelease } from './releases.ts'
import { recordRollbackTime } from './rollback-times.ts'
import type { LiveLogTable } from './schema.ts'
import * as store from './store.ts'
import { answersWith, prepareTraffic, type Routing, requireTraffic, setTraffic, type Target } from './traffic.ts'
import { applyMove } from './transitions.ts'

type Operations = typeof delivery
type Result = Output<Operations['rollback']>

/** The release that a rollback goes back to: the last live one that was not itself rolled back, or the baseline. */
export async function findEarlier(ctx: Context, model: string, current: string): Promise<Target | undefined> {
  const { spec } = await registry.getModel(ctx, { model })
  if (spec?.delivery.rollback.to === 'baseline' && current !== `${model}.r0`)
    return { release: `${model}.r0`, version: 0 }
  const failed = new Set(
    (await store.listReleases(ctx, model)).filter(({ state }) => state === 'rolled_back').map(({ id }) => id),
  )
  const log = await store.listRouted(ctx, model)
  const entry = log.findLast(({ release }) => release !== current && !failed.has(release))
  return entry && { release: entry.release, version: entry.version }
}

const attempts = 5

/** One pointer write: the warm previous release answers from the next request on. Then the model is pinned. */
export async function rollback(ctx: Context, input: Input<Operations['rollback']>): Promise<Result> {
  const { model, to } = input
  const started = ctx.clock.elapsed()
  for (let attempt = 0; attempt < attempts; attempt++) {
    const traffic = await requireTraffic(ctx, model)
    const log = await store.listRouted(ctx, model)
    const done = await alreadyBack(ctx, model, log, to)
    if (done) return done
    const target = to === undefined ? await findEarlier(ctx, model, traffic.live.release) : targetOf(log, to)
    if (!target) throw conflict(`"${model}" has no earlier release to go back to.`, { name: model })
    if (target.release === traffic.live.release)
      throw conflict(`"${target.release}" is live already.`, { name: target.release })
    if (await goBack(ctx, input, traffic, target)) return answer(ctx, model, { traffic, target, started })
  }
  throw conflict(`The traffic of "${model}" keeps moving; try again.`, { name: model })
}

/** The result of the last rollback, when the same one is asked for again. */
async function alreadyBack(
  ctx: Context,
  model: string,
  log: LiveLogTable[],
  to: string | undefined,
): Promise<Result | undefined> {
  const pinned = (await store.findPin(ctx, model))?.pinned === 1
  const [replaced, last] = log.slice(-2)
  if (!pinned || !replaced || !last?.because.startsWith(rolledBackFrom)) return undefined
  if (to !== undefined && to !== last.release) return undefined
  const measured = (await store.listRollbackTimes(ctx, model)).findLast(({ kind }) => kind === 'incident')
  return resultOf(ctx, model, { release: last.release, replaced: replaced.release, seconds: measured?.seconds ?? 0 })
}

const rolledBackFrom = 'rolled back from '

async function goBack(
  ctx: Context,
  { model, reason }: Input<Operations['rollback']>,
  traffic: Routing,
  target: Target,
): Promise<boolean> {
  const next = { endpoint: model, live: target, canary: null, shadow: null, warm: [traffic.live] }
  await prepareTraffic(ctx, next)
  const { spec } = await registry.getModel(ctx, { model })
  if (spec?.delivery.external)
    await runExternal(ctx, await requireRelease(ctx, target.release), { action: 'rollback', share: 1 })
  return transaction(ctx, async (ctx) => {
    const present = await requireTraffic(ctx, model)
    if (present.live.release !== traffic.live.release) return false
    await endOpenRollout(ctx, model, reason)
    await writeBack(ctx, { model, reason, from: traffic.live, target })
    await setTraffic(ctx, await requireTraffic(ctx, model), next)
    return true
  })
}

async function endOpenRollout(ctx: Context, model: string, reason: string): Promise<void> {
  const rollout = await store.openRollout(ctx, model)
  if (!rollout) return
  const release = await requireRelease(ctx, rollout.release)
  const change = { kind: 'end', state: 'rolled_back' } as const
  const plan = planIn(release)
  await applyMove(ctx, { release, rollout, plan, change, guards: [], reason: `aborted by a rollback: ${reason}` })
}

async function writeBack(
  ctx: Context,
  { model, reason, from, target }: { model: string; reason: string; from: Target; target: Target },
): Promise<void> {
  const now = ctx.now().toISOString()
  const replaced = await requireRelease(ctx, from.release)
  const chosen = await requireRelease(ctx, target.release)
  // Undoing a rollback: the release that answered meanwhile did nothing wrong, so it counts as retired, not as failed.
  const forward = chosen.number > replaced.number
  await store.updateRelease(ctx, from.release, {
    ...(forward ? { state: 'retired' } : { state: 'rolled_back', caught: 0, failed_at: now }),
    ended_at: now,
    ended_because: reason,
  })
  await store.updateRelease(ctx, target.release, { state: 'live', ended_at: null, ended_because: null })
  await store.appendLive(ctx, { model, ...target, at: now, because: `${rolledBackFrom}${from.release}: ${reason}` })
  await store.savePin(ctx, { model, pinned: 1, reason, at: now })
  await registry.moveLiveAlias(ctx, { model, version: target.version })
  const data = { from: from.release, to: target.release, version: target.version, reason }
  await append(ctx, 'delivery.rolled_back', `model/${model}`, data)
  await append(ctx, 'delivery.live_changed', `model/${model}`, { model, ...target })
}

async function answer(
  ctx: Context,
  model: string,
  { traffic, target, started }: { traffic: Routing; target: Target; started: number },
): Promise<Result> {
  if (!(await answersWith(ctx, model, target)))
    throw new AppError('internal', `The gateway does not answer with "${target.release}".`)
  const seconds = (ctx.clock.elapsed() - started) / 1000
  const [from, to] = [traffic.live.release, target.release]
  await recordRollbackTime(ctx, { model, kind: 'incident', from, to, seconds, restored: null, passed: true })
  return resultOf(ctx, model, { release: to, replaced: from, seconds })
}

async function resultOf(
  ctx: Context,
  model: string,
  { release, replaced, seconds }: { release: string; replaced: string; seconds: number },
): Promise<Result> {
  return {
    release: toRelease(await requireRelease(ctx, release)),
    replaced: toRelease(await requireRelease(ctx, replaced)),
    seconds,
    pinned: true,
    undo: `keel rollback ${model} --to ${replaced} --reason "…"`,
  }
}

function targetOf(log: LiveLogTable[], release: string): Target {
  const entry = log.findLast((row) => row.release === release)
  if (!entry)
    throw conflict(`"${release}" has never been live.`, {
      name: release,
      hint: 'List what was: keel live <model> --all',
    })
  return { release, version: entry.version }
}

/** Allows releases again. Unpinning twice is unpinning once. */
export function unpin(
  ctx: Context,
  { model, reason }: Input<Operations['unpin']>,
): Promise<Output<Operations['unpin']>> {
  return transaction(ctx, async (ctx) => {
    await registry.getModel(ctx, { model })
    if ((await store.findPin(ctx, model))?.pinned !== 1) return { model, pinned: false }
    await store.savePin(ctx, { model, pinned: 0, reason, at: ctx.now().toISOString() })
    await append(ctx, 'delivery.unpinned', `model/${model}`, { reason })
    return { model, pinned: false }
  })
}
