import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { day, hour } from '../../core/duration.ts'
import { betaPosterior } from '../../core/stats/beta-posterior.ts'
import { mean } from '../../core/stats/summary.ts'
import { dateOf, isoOf, millisecondsOf } from '../../core/tables/tables.ts'
import * as features from '../features/features.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'
import type { delivery } from './contract.ts'
import type { RollbackTimesTable } from './schema.ts'
import type { ReleaseRecord } from './store.ts'
import * as store from './store.ts'

type Operations = typeof delivery
type Metrics = Output<Operations['metrics']>
type Estimate = Metrics['leadTimeHours']
type Alert = Awaited<ReturnType<typeof monitoring.alertsBetween>>[number]

const week = 7 * day
const attributionMs = 7 * day
const trendMs = 4 * week
const defaultTarget = 0.15
/** Deployments a week that each target comes to. */
const perWeekOf = { daily: 5, weekly: 1, monthly: 12 / 52 }

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
  const first = all.map(({ created_at }) => created_at).sort()[0] ?? ctx.now().toISOString()
  const from = input.from === undefined ? first : dateOf(input.from).toISOString()
  const to = input.to === undefined ? ctx.now().toISOString() : dateOf(input.to).toISOString()
  const target = spec ? Number.parseFloat(spec.delivery.targets.change_fail_rate) / 100 : defaultTarget
  const deployed = all.filter(
    ({ kind, first_live_at }) =>
      kind !== 'baseline' && first_live_at !== null && first_live_at >= from && first_live_at <= to,
  )
  const leads = await leadTimes(ctx, deployed)
  const times = (await store.listRollbackTimes(ctx, model)).filter(({ at }) => at >= from && at <= to)
  const alerts = await monitoring.alertsBetween(ctx, { model, from, to })
  const period: Period = { all, from, to, target }
  const overrides = await store.listOverrides(ctx, model)
  return {
    model,
    team: spec?.owner ?? '',
    from,
    to,
    ...throughput(period, deployed),
    frequency: frequencyOf(spec, deployed.length / weeksOf(from, to)),
    leadTimeHours: spread([...leads.values()]),
    escapeRate: escapeRate(all, deployed),
    recoveryMinutes: recovery(all, deployed, { alerts, times }),
    rollbackSeconds: rollbackSeconds(times),
    rework: rework(deployed),
    alerts: alertNumbers(alerts, period, deployed.length),
    overrides: overrides.filter(({ created_at }) => created_at >= from && created_at <= to).length,
    withoutScheduled: throughput(
      period,
      deployed.filter(({ trigger_kind }) => trigger_kind !== 'schedule'),
    ),
    byKind: byKind(all, deployed),
    trend: trend(period, deployed, { leads, alerts }),
  }
}

type Period = { all: ReleaseRecord[]; from: string; to: string; target: number }

function throughput({ all, from, to, target }: Period, deployed: ReleaseRecord[]): Metrics['withoutScheduled'] {
  const failed = deployed.filter((release) => hasFailed(release, all)).length
  const total = deployed.length
  return {
    deployments: total,
    perWeek: total / weeksOf(from, to),
    changeFailRate: { ...betaPosterior({ failed, total, target }), failed, total },
  }
}

function frequencyOf(spec: ModelSpec | null, perWeek: number): Metrics['frequency'] {
  if (!spec) return null
  const target = spec.delivery.targets.frequency
  return { target, perWeek: perWeekOf[target], met: perWeek >= perWeekOf[target] }
}

function weeksOf(from: string, to: string): number {
  return Math.max((millisecondsOf(to) - millisecondsOf(from)) / week, 1 / 7)
}

export function hasFailed(release: ReleaseRecord, all: ReleaseRecord[]): boolean {
  if (release.failed_at !== null) return true
  const live = millisecondsOf(release.fully_live_at ?? release.first_live_at ?? release.created_at)
  return all.some(
    (later) =>
      later.trigger_kind === 'hotfix' &&
      later.number > release.number &&
      millisecondsOf(later.created_at) - live <= attributionMs &&
      millisecondsOf(later.created_at) >= live,
  )
}

/** Hours from the oldest input to all of the traffic, by release. */
async function leadTimes(ctx: Context, deployed: ReleaseRecord[]): Promise<Map<string, number>> {
  const hours = new Map<string, number>()
  for (const release of deployed) {
    if (release.fully_live_at === null || release.version === 0) continue
    const version = await registry.getVersion(ctx, { model: release.model, version: release.version })
    const { trainingSet } = version
    const set = trainingSet === null ? undefined : await features.getTrainingSet(ctx, { trainingSet })
    const began = Math.min(
      millisecondsOf(version.createdAt),
      set ? millisecondsOf(set.createdAt) : Number.POSITIVE_INFINITY,
    )
    hours.set(release.id, (millisecondsOf(release.fully_live_at) - began) / hour)
  }
  return hours
}

/** Mean with the smallest and the largest. */
function spread(values: number[]): Estimate {
  const none = values.length === 0
  return {
    value: none ? null : mean(values),
    n: values.length,
    lower: none ? null : Math.min(...values),
    upper: none ? null : Math.max(...values),
  }
}

function escapeRate(all: ReleaseRecord[], deployed: ReleaseRecord[]): Metrics['escapeRate'] {
  const caught = deployed.filter((release) => release.caught === 1).length
  const escaped = deployed.filter((release) => hasFailed(release, all)).length
  return { escaped, caught, value: ratio(escaped, escaped + caught) }
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}

type Incidents = { alerts: Alert[]; times: RollbackTimesTable[] }

function recovery(
  all: ReleaseRecord[],
  deployed: ReleaseRecord[],
  { alerts, times }: Incidents,
): Metrics['recoveryMinutes'] {
  const failed = deployed.filter((release) => hasFailed(release, all))
  const minutes = (from: string, to: string) => (millisecondsOf(to) - millisecondsOf(from)) / 60_000
  const fromFirst: number[] = []
  const fromDetection: number[] = []
  for (const { id, seen_as, first_live_at, failed_at } of failed) {
    if (failed_at === null || first_live_at === null) continue
    fromFirst.push(minutes(first_live_at, failed_at))
    const detected = alerts
      .filter(({ release, firedAt }) => release === (seen_as ?? id) && firedAt <= failed_at)
      .map(({ firedAt }) => firedAt)
      .sort()[0]
    if (detected !== undefined) fromDetection.push(minutes(detected, failed_at))
  }
  const decided = times.filter(({ kind }) => kind === 'incident').map(({ seconds }) => seconds / 60)
  return {
    fromFirstTraffic: spread(fromFirst),
    fromDetection: spread(fromDetection),
    fromDecision: spread(decided),
  }
}

function rollbackSeconds(times: RollbackTimesTable[]): Metrics['rollbackSeconds'] {
  const of = (kind: string) => times.filter((time) => time.kind === kind).map(({ seconds }) => seconds)
  const sorted = times.map(({ seconds }) => seconds).sort((a, b) => a - b)
  return {
    incidents: of('incident'),
    drills: of('drill'),
    aborts: of('abort'),
    worst: sorted.at(-1) ?? null,
    p90: sorted[Math.ceil(0.9 * sorted.length) - 1] ?? null,
  }
}

function rework(deployed: ReleaseRecord[]): Metrics['rework'] {
  const hotfixes = deployed.filter(({ trigger_kind }) => trigger_kind === 'hotfix').length
  return { hotfixes, deployments: deployed.length, value: ratio(hotfixes, deployed.length) }
}

function alertNumbers(alerts: Alert[], { from, to }: Period, deployments: number): Metrics['alerts'] {
  const pages = alerts.filter(({ severity }) => severity === 'page')
  const judged = (verdict: string) => pages.filter((alert) => alert.verdict === verdict).length
  const [real, noise] = [judged('real'), judged('noise')]
  return {
    pages: pages.length,
    perWeek: pages.length / weeksOf(from, to),
    perDeployment: ratio(pages.length, deployments),
    real,
    noise,
    unjudged: pages.filter(({ verdict }) => verdict === null).length,
    precision: ratio(real, real + noise),
  }
}

function byKind(all: ReleaseRecord[], deployed: ReleaseRecord[]): Metrics['byKind'] {
  return [...new Set(deployed.map(({ kind }) => kind))].sort().map((kind) => {
    const of = deployed.filter((release) => release.kind === kind)
    return {
      kind: kind as Metrics['byKind'][number]['kind'],
      deployments: of.length,
      failed: of.filter((release) => hasFailed(release, all)).length,
      caught: of.filter(({ caught }) => caught === 1).length,
    }
  })
}

function trend(
  { all, from, to }: Period,
  deployed: ReleaseRecord[],
  { leads, alerts }: { leads: Map<string, number>; alerts: Alert[] },
): Metrics['trend'] {
  const spans: Metrics['trend'] = []
  for (let begin = millisecondsOf(from); begin < millisecondsOf(to); begin += trendMs) {
    const [since, until] = [isoOf(begin), new Date(Math.min(begin + trendMs, millisecondsOf(to))).toISOString()]
    const within = (at: string | null) => at !== null && at >= since && (at < until || (until === to && at === to))
    const of = deployed.filter(({ first_live_at }) => within(first_live_at))
    const lead = spread(of.flatMap(({ id }) => leads.get(id) ?? []))
    spans.push({
      from: since,
      to: until,
      deployments: of.length,
      failed: of.filter((release) => hasFailed(release, all)).length,
      caught: of.filter(({ caught }) => caught === 1).length,
      pages: alerts.filter(({ severity, firedAt }) => severity === 'page' && within(firedAt)).length,
      leadTimeHours: lead.value,
    })
  }
  return spans
}

type Overview = Output<Operations['overview']>

/** The same numbers for every model, and summed over teams and kinds of change. */
export async function overview(ctx: Context, input: Input<Operations['overview']>): Promise<Overview> {
  const models: Metrics[] = []
  for (const model of await store.listModels(ctx)) models.push(await metrics(ctx, { ...input, model }))
  const rate = (failed: number, total: number) => ({
    ...betaPosterior({ failed, total, target: defaultTarget }),
    failed,
    total,
  })
  const sum = <T>(items: T[], of: (item: T) => number) => items.reduce((total, item) => total + of(item), 0)
  const teams = [...new Set(models.map(({ team }) => team))].sort().map((team) => {
    const own = models.filter((one) => one.team === team)
    const deployments = sum(own, (one) => one.deployments)
    return {
      team,
      models: own.length,
      deployments,
      perWeek: sum(own, (one) => one.perWeek),
      changeFailRate: rate(
        sum(own, (one) => one.changeFailRate.failed),
        deployments,
      ),
      caught: sum(own, (one) => one.escapeRate.caught),
      pages: sum(own, (one) => one.alerts.pages),
    }
  })
  const all = models.flatMap(({ byKind }) => byKind)
  const kinds = [...new Set(all.map(({ kind }) => kind))].sort().map((kind) => {
    const own = all.filter((one) => one.kind === kind)
    const deployments = sum(own, (one) => one.deployments)
    const failed = sum(own, (one) => one.failed)
    return { kind, deployments, changeFailRate: rate(failed, deployments), caught: sum(own, (one) => one.caught) }
  })
  return { models, teams, kinds }
}
