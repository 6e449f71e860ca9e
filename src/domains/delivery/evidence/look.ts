import { type Context, liveValue } from '../../../core/context.ts'
import { day } from '../../../core/duration.ts'
import { answersOf } from '../../evaluation/evaluation.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import { judgeExternal } from '../external.ts'
import { answersIn, type Plan } from '../plan.ts'
import type { Guard } from '../rules.ts'
import type { ReleaseRecord, RolloutRecord } from '../store.ts'
import * as store from '../store.ts'
import { trafficRate } from './forecast.ts'
import { judge } from './judge.ts'

/** What the guards say of a rollout, from the prediction log, or from an external deployment's own check. */
export async function lookAt(
  ctx: Context,
  release: ReleaseRecord,
  rollout: RolloutRecord,
  plan: Plan,
): Promise<Guard[]> {
  const step = rollout.step
  if (plan.external) return step < 0 ? [] : [await judgeExternal(ctx, release, rollout.share)]
  const history = await store.listHistory(ctx, release.id)
  const now = ctx.now()
  const since = await trafficSince(ctx, release)
  const from = since < release.created_at ? since : release.created_at
  const logged = await serving.readLog(ctx, {
    endpoint: release.model,
    from,
    to: now.toISOString(),
    sample: plan.sample,
    forced: true,
  })
  const traffic = trafficRate(logged, { since, now, sample: plan.sample })
  const seen = logged.filter(({ at }) => at >= release.created_at)
  const shares = history.map(({ at, share }) => ({ at, share }))
  const firstTraffic = history.find(({ share }) => share > 0)?.at ?? release.created_at
  const relevant = seen.filter(
    (one) => (one.arm === 'shadow' || one.at >= firstTraffic) && (one.arm === 'live' || one.release === release.id),
  )
  const rows = relevant.map((row) => ({
    ...row,
    cost: 'cost' in row && typeof row.cost === 'number' ? row.cost : null,
  }))
  const basis = answersIn(plan)
  const answers = basis && (await answersOf(basis))
  const outcomes = plan.outcomes ? await outcomesOf(ctx, release, rows) : []
  const standing = { step, stepStartedAt: rollout.step_started_at, shares, traffic }
  return judge(plan, standing, rows, { answers, outcomes })
}

/** Of these predictions, and of units since the release began; clocks differ by up to a day. */
function outcomesOf(ctx: Context, { model, created_at }: ReleaseRecord, rows: readonly { id: string }[]) {
  const to = new Date(ctx.now().getTime() + day).toISOString()
  return serving.readOutcomes(ctx, { endpoint: model, predictions: rows.map(({ id }) => id), from: created_at, to })
}

/** Since when today's traffic is counted: the last 24 hours, less where it is not that long live or was logged in part. */
async function trafficSince(ctx: Context, { model, created_at }: ReleaseRecord): Promise<string> {
  const dayAgo = new Date(ctx.now().getTime() - day).toISOString()
  const { spec } = await registry.getModel(ctx, { model })
  const [first] = await store.listLive(ctx, model)
  const whole = spec?.serves.log?.sample === undefined ? (first?.at ?? created_at) : created_at
  return whole > dayAgo ? whole : dayAgo
}

type Look = { revision: number; guards: Guard[]; at: number; took: number }

const looks = (ctx: Context) => liveValue(ctx, 'delivery.looks', () => new Map<string, Look>())

/** Looking at the log takes no more than this share of the time, however often somebody asks. */
const lookShare = 0.05

/**
 * What the guards say now: between two checks of a step hours may pass. Where the log cannot be read, what they said at the last
 * check: who asks, or aborts, does not depend on it.
 */
export async function guardsNow(
  ctx: Context,
  release: ReleaseRecord,
  rollout: RolloutRecord,
  plan: Plan,
): Promise<Guard[]> {
  if (plan.external) return rollout.guards
  const known = looks(ctx).get(release.id)
  const at = ctx.clock.elapsed()
  if (known && known.revision === rollout.revision && at - known.at < known.took / lookShare) return known.guards
  try {
    const guards = await lookAt(ctx, release, rollout, plan)
    looks(ctx).set(release.id, { revision: rollout.revision, guards, at, took: ctx.clock.elapsed() - at })
    return guards
  } catch (error) {
    ctx.log.warn({ err: error, release: release.id }, 'the evidence of a rollout could not be looked at')
    return rollout.guards
  }
}
