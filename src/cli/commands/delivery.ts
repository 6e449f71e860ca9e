import type { Output } from '../../core/contract.ts'
import type { delivery } from '../../domains/delivery/contract.ts'
import {
  defineCommand,
  estimate,
  facts,
  milliseconds,
  moment,
  number,
  optionalArgument,
  percent,
  table,
  time,
} from '../kit/kit.ts'

type Metrics = Output<(typeof delivery)['metrics']>

type Overview = Output<(typeof delivery)['overview']>

export const command = defineCommand({
  summary: 'Deployment frequency, lead time, change-fail rate, rollback time, alert rate; and the policy they lead to',
  args: { model: optionalArgument() },
  options: {
    from: time('begin of the period'),
    to: time('end of the period'),
  },
  async run(session, { args: { model }, options: { from, to } }) {
    const client = await session.client()
    const period = { from, to }
    if (model === undefined) {
      const overview = await client.delivery.overview(period)
      return { data: overview, text: describeOverview(overview) }
    }
    const metrics = await client.delivery.metrics({ model, ...period })
    const policy = await client.delivery.policy({ model })
    return {
      data: { metrics, policy },
      text: `${describeMetrics(metrics)}\n\n${describeTrend(metrics)}\n\npolicy: ${policy.level}${policy.reasons.map((reason) => `\n  ${reason}`).join('')}${policy.effects.map((effect) => `\n  → ${effect}`).join('')}`,
      next: [`keel policy explain ${model}`],
    }
  },
})

const rate = ({ mean, lower, upper, failed, total }: Metrics['changeFailRate']) =>
  `${percent(mean)} [${percent(lower)}, ${percent(upper)}]: ${failed} of ${total}`

function describeOverview({ models, teams, kinds }: Overview): string {
  return [
    table(
      ['model', 'deployments', 'a week', 'change-fail rate', 'caught', 'lead time'],
      models.map((one) => [
        one.model,
        one.deployments,
        number(one.perWeek, 2),
        rate(one.changeFailRate),
        one.escapeRate.caught,
        `${number(one.leadTimeHours.value, 1)} h`,
      ]),
    ),
    table(
      ['team', 'models', 'deployments', 'a week', 'change-fail rate', 'caught', 'pages'],
      teams.map((one) => [
        one.team,
        one.models,
        one.deployments,
        number(one.perWeek, 2),
        rate(one.changeFailRate),
        one.caught,
        one.pages,
      ]),
    ),
    table(
      ['kind', 'deployments', 'change-fail rate', 'caught'],
      kinds.map((one) => [one.kind, one.deployments, rate(one.changeFailRate), one.caught]),
    ),
  ].join('\n\n')
}

function describeTrend({ trend }: Metrics): string {
  return table(
    ['four weeks from', 'deployments', 'failed', 'caught', 'pages', 'lead time'],
    trend.map((one) => [
      moment(one.from),
      one.deployments,
      one.failed,
      one.caught,
      one.pages,
      `${number(one.leadTimeHours, 1)} h`,
    ]),
  )
}

const target = ({ frequency }: Metrics) =>
  frequency === null ? '' : `; ${frequency.met ? 'meets' : 'below'} the target: ${frequency.target}`

export function describeMetrics(metrics: Metrics): string {
  const { changeFailRate: fail, rollbackSeconds, alerts, escapeRate } = metrics
  const seconds = [...rollbackSeconds.incidents, ...rollbackSeconds.drills].map(milliseconds)
  const judged = alerts.real + alerts.noise
  return facts([
    ['period', `${moment(metrics.from)} – ${moment(metrics.to)}`],
    ['deployments', `${metrics.deployments} (${number(metrics.perWeek, 2)} a week${target(metrics)})`],
    ['lead time', `${estimate(metrics.leadTimeHours, 1)} hours`],
    ['change-fail rate', `${rate(fail)}; above target with p ${number(fail.aboveTarget, 2)}`],
    ['escape rate', `${percent(escapeRate.value)}: ${escapeRate.escaped} escaped, ${escapeRate.caught} caught`],
    [
      'without scheduled',
      `${metrics.withoutScheduled.deployments} deployments, ${rate(metrics.withoutScheduled.changeFailRate)} failed`,
    ],
    ['rework', `${metrics.rework.hotfixes} hotfixes of ${metrics.rework.deployments}`],
    [
      'recovery',
      `${estimate(metrics.recoveryMinutes.fromFirstTraffic, 1)} minutes from the first traffic, ${estimate(metrics.recoveryMinutes.fromDetection, 1)} from detection`,
    ],
    ['overrides', metrics.overrides],
    ['rollback time', seconds.length === 0 ? 'never measured' : seconds.join(', ')],
    [
      'alerts',
      `${alerts.pages} pages (${number(alerts.perWeek, 2)} a week), ${judged === 0 ? 'none judged yet' : `${alerts.real} of ${judged} judged were real`}`,
    ],
  ])
}
