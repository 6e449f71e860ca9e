import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { betaPosterior } from '../../core/stats/beta-posterior.ts'
import { mean } from '../../core/stats/summary.ts'
import * as features from '../features/features.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as registry from '../registry/registry.ts'
import type { delivery } from './contract.ts'
import { milliseconds } from './rules.ts'
import type { ReleasesTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof delivery
type Metrics = Output<Operations['metrics']>
type Policy = Output<Operations['policy']>

const day = 86_400_000
const attributionMs = 7 * day
const defaultTarget = 0.15

/**
 * Delivery metrics from the release log. A deployment is the first time a release answers live traffic (baselines do not
 * count; a ramp is one deployment). It failed when it was rolled back from half of the traffic or more, or was replaced
 * by a hotfix within seven days; stopped earlier, it was caught. Lead time runs from the oldest input of the release
 * (its training set, or the version) to all of the traffic. Definitions follow DORA (dora.dev, 2026).
 */
export async function metrics(ctx: Context, input: Input<Operations['metrics']>): Promise<Metrics> {
  const { model } = input
  const { spec } = await registry.getModel(ctx, { model })
  const all = await store.listReleases(ctx, model)
  const first = all.at(-1)?.created_at ?? ctx.now().toISOString()
  const from = input.from === undefined ? first : new Date(input.from).toISOString()
  const to = input.to === undefined ? ctx.now().toISOString() : new Date(input.to).toISOString()
  const weeks = Math.max((Date.parse(to) - Date.parse(from)) / (7 * day), 1 / 7)
  const deployed = all.filter(
    ({ kind, first_live_at }) =>
      kind !== 'baseline' && first_live_at !== null && first_live_at >= from && first_live_at <= to,
  )
  const caught = deployed.filter(({ caught }) => caught === 1)
  const escaped = deployed.filter((release) => failed(release, all))
  const target = spec ? Number.parseFloat(spec.delivery.targets.change_fail_rate) / 100 : defaultTarget
  const times = (await store.listRollbackTimes(ctx, model)).filter(({ at }) => at >= from && at <= to)
  const seconds = (kind: string) => times.filter((time) => time.kind === kind).map((time) => time.seconds)
  const worst = times.map((time) => time.seconds)
  const alerts = await monitoring.alertsBetween(ctx, { model, from, to })
  const pages = alerts.filter(({ severity }) => severity === 'page')
  const judged = (verdict: string) => pages.filter((alert) => alert.verdict === verdict).length
  return {
    model,
    from,
    to,
    deployments: deployed.length,
    perWeek: deployed.length / weeks,
    leadTimeHours: await leadTime(ctx, deployed),
    changeFailRate: {
      ...betaPosterior({ failed: escaped.length, total: deployed.length, target }),
      failed: escaped.length,
      total: deployed.length,
    },
    escapeRate: {
      escaped: escaped.length,
      caught: caught.length,
      value: escaped.length + caught.length === 0 ? null : escaped.length / (escaped.length + caught.length),
    },
    rollbackSeconds: {
      incidents: seconds('incident'),
      drills: seconds('drill'),
      worst: worst.length === 0 ? null : Math.max(...worst),
    },
    alerts: {
      pages: pages.length,
      perWeek: pages.length / weeks,
      real: judged('real'),
      noise: judged('noise'),
      unjudged: pages.filter(({ verdict }) => verdict === null).length,
    },
  }
}

function failed(release: ReleasesTable, all: ReleasesTable[]): boolean {
  if (release.state === 'rolled_back') return release.caught === 0
  const live = Date.parse(release.fully_live_at ?? release.first_live_at ?? release.created_at)
  return all.some(
    (later) =>
      later.trigger_kind === 'hotfix' &&
      later.number > release.number &&
      Date.parse(later.created_at) - live <= attributionMs,
  )
}

async function leadTime(ctx: Context, deployed: ReleasesTable[]): Promise<Metrics['leadTimeHours']> {
  const hours: number[] = []
  for (const release of deployed) {
    if (release.fully_live_at === null) continue
    const version = await registry.getVersion(ctx, { model: release.model, version: Number(release.version) })
    const set =
      version.trainingSet === null
        ? undefined
        : await features.getTrainingSet(ctx, { trainingSet: version.trainingSet })
    const began = Math.min(Date.parse(version.createdAt), set ? Date.parse(set.createdAt) : Number.POSITIVE_INFINITY)
    hours.push((Date.parse(release.fully_live_at) - began) / 3_600_000)
  }
  return {
    value: hours.length === 0 ? null : mean(hours),
    n: hours.length,
    lower: hours.length === 0 ? null : Math.min(...hours),
    upper: hours.length === 0 ? null : Math.max(...hours),
  }
}

const fewestJudged = 4

/** The ladder: slow down first, stop last. */
export async function policy(ctx: Context, { model }: Input<Operations['policy']>): Promise<Policy> {
  const { spec } = await registry.getModel(ctx, { model })
  if (!spec) return { model, level: 'green', reasons: [], effects: [] }
  const found = await metrics(ctx, { model })
  const { aboveTarget } = found.changeFailRate
  const red: string[] = []
  const yellow: string[] = []
  const chance = `the chance that more than ${spec.delivery.targets.change_fail_rate} of the changes fail is ${(aboveTarget * 100).toFixed(0)} %`
  if (aboveTarget > 0.8) red.push(chance)
  else if (aboveTarget > 0.5) yellow.push(chance)
  const limit = milliseconds(spec.delivery.targets.rollback_time) / 1000
  if (found.rollbackSeconds.worst !== null && found.rollbackSeconds.worst > limit)
    red.push(`a rollback took ${found.rollbackSeconds.worst.toFixed(1)} s, more than ${limit} s`)
  const judged = found.alerts.real + found.alerts.noise
  if (judged >= fewestJudged && found.alerts.real / judged < 0.5)
    yellow.push(`only ${found.alerts.real} of ${judged} judged alerts were real`)
  const overdue = await drillOverdue(ctx, model, milliseconds(spec.delivery.rollback.drill_every))
  if (overdue !== undefined) yellow.push(overdue)
  const level = red.length > 0 ? 'red' : yellow.length > 0 ? 'yellow' : 'green'
  const effects = {
    green: [],
    yellow: ['each step of a rollout takes twice as long'],
    red: ['only rollbacks, until the window rolls off and a drill passes'],
  }
  return { model, level, reasons: [...red, ...yellow], effects: effects[level] }
}

/** A plan that was never rehearsed is a hope: once something ordinary has been live that long, a drill is due. */
async function drillOverdue(ctx: Context, model: string, every: number): Promise<string | undefined> {
  const live = (await store.listReleases(ctx, model)).filter(
    ({ kind, fully_live_at }) => kind !== 'baseline' && fully_live_at !== null,
  )
  const since = live.map(({ fully_live_at }) => fully_live_at ?? '').sort()[0]
  if (since === undefined) return undefined
  const rehearsed = (await store.listRollbackTimes(ctx, model)).filter(({ passed }) => passed === 1).at(-1)?.at
  const age = ctx.now().getTime() - Date.parse(rehearsed ?? since)
  if (age <= every) return undefined
  const days = (age / day).toFixed(0)
  return rehearsed === undefined
    ? `the rollback was never rehearsed in ${days} days (keel drill ${model})`
    : `the last rollback or drill is ${days} days old (keel drill ${model})`
}
