import type { Command } from '../command.ts'
import { string } from '../input.ts'
import { estimate, moment, table } from '../output.ts'

export const command: Command = {
  summary: 'Alerts, newest first, and their verdicts',
  arguments: '[model]',
  async run(session, { args: [model] }) {
    const { items } = await (await session.client()).monitoring.listAlerts(model === undefined ? {} : { model })
    return {
      data: items,
      text: table(
        ['alert', 'model', 'signal', 'severity', 'state', 'fired', 'value', 'verdict', 'what'],
        items.map((alert) => [
          alert.id,
          alert.model,
          alert.signal,
          alert.severity,
          alert.state,
          moment(alert.firedAt),
          estimate(alert.value),
          alert.verdict ?? 'open',
          alert.summary,
        ]),
      ),
      next: items.some((alert) => alert.verdict === null)
        ? ['keel alerts judge <alert> --verdict real|noise|duplicate']
        : [],
    }
  },
  commands: {
    judge: {
      summary: 'Was it real? Verdicts make the precision of alerts',
      arguments: '<alert>',
      options: [
        { flags: '--verdict <verdict>', help: 'real, noise or duplicate', required: true },
        { flags: '--note <text>', help: 'why' },
      ],
      async run(session, { args: [alert = ''], options }) {
        const note = string(options['note'])
        const verdict = string(options['verdict']) as 'real'
        const judged = await (await session.client()).monitoring.judgeAlert({
          alert,
          verdict,
          ...(note === undefined ? {} : { note }),
        })
        return { data: judged, text: `${judged.id}: ${judged.verdict}` }
      },
    },
  },
}
