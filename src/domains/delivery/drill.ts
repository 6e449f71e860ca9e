import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { hour, milliseconds } from '../../core/duration.ts'
import { conflict } from '../../core/errors.ts'
import { millisecondsOf } from '../../core/time.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import type { delivery } from './contract.ts'
import { append } from './events.ts'
import { runExternal } from './external.ts'
import { enqueue } from './jobs.ts'
import { requireRelease } from './releases.ts'
import { findEarlier } from './rollback.ts'
import { recordRollbackTime } from './rollback-times.ts'
import * as store from './store.ts'
import { answersWith, findTraffic, prepareTraffic, requireTraffic, setTraffic, type Target } from './traffic.ts'

type Operations = typeof delivery
type Drill = Output<Operations['drill']>

/**
 * Rolls back for real on the warm pair, verifies, and restores whatever came of it. The release log is untouched: the
 * drill has events of its own. After a crash in between, the log says what has to be live again.
 */
export async function drill(ctx: Context, { model }: Input<Operations['drill']>): Promise<Drill> {
  const traffic = await requireTraffic(ctx, model)
  const open = await store.openRollout(ctx, model)
  if (open)
    throw conflict(`"${open.release}" is rolling out; a drill would disturb its evidence.`, { name: open.release })
  const target = await findEarlier(ctx, model, traffic.live.release)
  if (!target) throw conflict(`"${model}" has no earlier release to rehearse with.`, { name: model })
  const away = await measure(ctx, model, { to: target, warm: traffic.live, action: 'rollback' })
  const back = await measure(ctx, model, { to: traffic.live, warm: target, action: 'deploy' })
  const passed = away.passed && back.passed
  const measured = { model, from: traffic.live.release, to: target.release, seconds: away.seconds, passed }
  await recordRollbackTime(ctx, { ...measured, kind: 'drill', restored: back.seconds })
  return { ...measured, restoredSeconds: back.seconds }
}

type Switch = { to: Target; warm: Target; action: 'rollback' | 'deploy' }

/** A switch that fails is a drill that did not pass, not an error: its number is the finding. */
async function measure(ctx: Context, model: string, change: Switch): Promise<{ seconds: number; passed: boolean }> {
  const started = ctx.clock.elapsed()
  const elapsed = () => (ctx.clock.elapsed() - started) / 1000
  try {
    await switchTo(ctx, model, change)
    return { passed: await answersWith(ctx, model, change.to), seconds: elapsed() }
  } catch (error) {
    ctx.log.error({ err: error, model, release: change.to.release }, 'a drill could not switch')
    return { passed: false, seconds: elapsed() }
  }
}

const reconcileMilliseconds = 10_000

async function switchTo(ctx: Context, model: string, { to, warm, action }: Switch): Promise<void> {
  const planned = await requireTraffic(ctx, model)
  await prepareTraffic(ctx, { ...planned, live: to, warm: [warm] })
  const { spec } = await registry.getModel(ctx, { model })
  if (spec?.delivery.external) await runExternal(ctx, await requireRelease(ctx, to.release), { action, share: 1 })
  await transaction(ctx, async (ctx) => {
    const present = await requireTraffic(ctx, model)
    await setTraffic(ctx, present, { ...present, live: to, warm: [warm] })
    if (action === 'deploy') return
    const runAt = new Date(ctx.now().getTime() + reconcileMilliseconds)
    await enqueue(ctx, { kind: 'delivery.mend', payload: { model }, runAt })
  })
}

/** The log says what is live. Traffic that goes elsewhere was left so by a drill that a crash cut short: it is put back. */
export async function reconcile(ctx: Context, { model }: { model: string }): Promise<{ mended: boolean }> {
  const logged = (await store.listRouted(ctx, model)).at(-1)
  const traffic = await findTraffic(ctx, model)
  if (!logged || !traffic || traffic.live.release === logged.release) return { mended: false }
  const live = { release: logged.release, version: logged.version }
  const wanted = { ...traffic, live, warm: [traffic.live] }
  await prepareTraffic(ctx, wanted)
  await transaction(ctx, async (ctx) => {
    const present = await requireTraffic(ctx, model)
    await setTraffic(ctx, present, { ...present, live, warm: [traffic.live] })
    await append(ctx, 'delivery.mended', `model/${model}`, { live: live.release, found: traffic.live.release })
  })
  return { mended: true }
}

export async function reconcileAll(ctx: Context): Promise<void> {
  for (const model of await store.listModels(ctx)) await reconcile(ctx, { model })
}

/** When the next drill is due; undefined while there is no release to go back from. */
async function dueAt(ctx: Context, model: string): Promise<Date | undefined> {
  const { spec } = await registry.getModel(ctx, { model })
  const live = (await store.listRouted(ctx, model)).filter(({ release }) => release !== `${model}.r0`)
  const first = live[0]?.at
  if (!spec || first === undefined) return undefined
  const rehearsed = (await store.listRollbackTimes(ctx, model)).filter(({ passed }) => passed === 1).at(-1)?.at
  return new Date(millisecondsOf(rehearsed ?? first) + milliseconds(spec.delivery.rollback.drill_every))
}

/** Plans the next drill: after a drill, and whenever another release goes live. */
export async function planDrill(ctx: Context, model: string): Promise<void> {
  const due = await dueAt(ctx, model)
  if (!due) return
  const runAt = due > ctx.now() ? due : ctx.now()
  const key = `delivery.drill/${model}/${due.toISOString()}`
  await enqueue(ctx, { kind: 'delivery.drill', payload: { model }, key, runAt })
}

const retryMilliseconds = hour

/** The drill that happens by itself. It does not disturb a rollout that is under way: it is tried again an hour later. */
export async function drillWhenDue(ctx: Context, { model }: { model: string }): Promise<Drill | { drilled: false }> {
  const due = await dueAt(ctx, model)
  const now = ctx.now()
  if (!due || due > now) return { drilled: false }
  if (await store.openRollout(ctx, model)) {
    const runAt = new Date(now.getTime() + retryMilliseconds)
    await transaction(ctx, (ctx) => enqueue(ctx, { kind: 'delivery.drill', payload: { model }, runAt }))
    return { drilled: false }
  }
  const traffic = await findTraffic(ctx, model)
  if (!traffic || !(await findEarlier(ctx, model, traffic.live.release))) return { drilled: false }
  return drill(ctx, { model })
}
