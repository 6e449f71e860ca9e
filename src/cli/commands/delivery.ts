import type { Output } from '../../core/contract.ts'
import type { delivery } from '../../domains/delivery/contract.ts'
import type { Command } from '../command.ts'
import { optionalTime } from '../input.ts'
import { estimate, facts, moment, number, percent } from '../output.ts'

type Metrics = Output<(typeof delivery)['metrics']>

export const command: Command = {
  summary: 'Deployment frequency, lead time, change-fail rate, rollback time, alert rate; and the policy they lead to',
  arguments: '<model>',
  options: [
    { flags: '--from <time>', help: 'begin of the period' },
    { flags: '--to <time>', help: 'end of the period' },
  ],
  async run(session, { args: [model = ''], options }) {
    const client = await session.client()
    const from = optionalTime(options['from'])
    const to = optionalTime(options['to'])
    const metrics = await client.delivery.metrics({ model, ...(from ? { from } : {}), ...(to ? { to } : {}) })
    const policy = await client.delivery.policy({ model })
    return {
      data: { metrics, policy },
      text: `${describeMetrics(metrics)}\n\npolicy: ${policy.level}${policy.reasons.map((reason) => `\n  ${reason}`).join('')}${policy.effects.map((effect) => `\n  → ${effect}`).join('')}`,
    }
  },
}

export function describeMetrics(metrics: Metrics): string {
  const { changeFailRate: fail, rollbackSeconds, alerts, escapeRate } = metrics
  const seconds = [...rollbackSeconds.incidents, ...rollbackSeconds.drills].map(
    (value) => `${(value * 1000).toFixed(1)} ms`,
  )
  const judged = alerts.real + alerts.noise
  return facts([
    ['period', `${moment(metrics.from)} – ${moment(metrics.to)}`],
    ['deployments', `${metrics.deployments} (${number(metrics.perWeek, 2)} a week)`],
    ['lead time', `${estimate(metrics.leadTimeHours, 1)} hours`],
    [
      'change-fail rate',
      `${percent(fail.mean)} [${percent(fail.lower)}, ${percent(fail.upper)}]: ${fail.failed} of ${fail.total}; above target with p ${number(fail.aboveTarget, 2)}`,
    ],
    ['escape rate', `${percent(escapeRate.value)}: ${escapeRate.escaped} escaped, ${escapeRate.caught} caught`],
    ['rollback time', seconds.length === 0 ? 'never measured' : seconds.join(', ')],
    [
      'alerts',
      `${alerts.pages} pages (${number(alerts.perWeek, 2)} a week), ${judged === 0 ? 'none judged yet' : `${alerts.real} of ${judged} judged were real`}`,
    ],
  ])
}
