import type { Output } from '../../core/contract.ts'
import type { delivery } from '../../domains/delivery/contract.ts'
import type { Command } from '../command.ts'
import { string } from '../input.ts'
import { moment, number, percent, table } from '../output.ts'

type Rollout = Output<(typeof delivery)['getRollout']>

const actions = {
  promote: 'Go to the next step now',
  pause: 'Keep the share as it is until resumed',
  resume: 'Go on after a pause',
  abort: 'Take all traffic away from it',
} as const

export const command: Command = {
  summary: 'Where a rollout stands and what it waits for',
  arguments: '<release>',
  async run(session, { args: [release = ''] }) {
    const rollout = await (await session.client()).delivery.getRollout({ release })
    const open = ['shadow', 'step', 'holding', 'paused'].includes(rollout.state)
    return { data: rollout, text: describeRollout(rollout), next: open ? [`keel rollout abort ${release}`] : [] }
  },
  commands: Object.fromEntries(
    Object.entries(actions).map(([action, summary]): [string, Command] => [
      action,
      {
        summary,
        arguments: '<release>',
        options: [{ flags: '--reason <text>', help: 'why' }],
        async run(session, { args: [release = ''], options }) {
          const reason = string(options['reason'])
          const client = await session.client()
          const rollout = await client.delivery[action as keyof typeof actions]({
            release,
            ...(reason === undefined ? {} : { reason }),
          })
          return { data: rollout, text: describeRollout(rollout) }
        },
      },
    ]),
  ),
}

function describeRollout(rollout: Rollout): string {
  const steps = ['shadow', ...rollout.steps.map((step) => `${step} %`)]
    .map((step, index) => (index === rollout.step + 1 ? `[${step}]` : step))
    .join(' → ')
  const guards = table(
    ['guard', 'verdict', 'value', 'limit', 'n', 'why'],
    rollout.guards.map((guard) => [
      guard.guard,
      guard.verdict,
      number(guard.value),
      number(guard.limit),
      guard.n,
      guard.reason,
    ]),
  )
  const history = table(
    ['at', 'state', 'share', 'by', 'why'],
    rollout.history.map((entry) => [
      moment(entry.at),
      entry.state.replaceAll('_', ' '),
      percent(entry.share, 0),
      entry.actor,
      entry.reason,
    ]),
  )
  return `${rollout.release}  ${rollout.state.replaceAll('_', ' ')}  ${steps}\n\n${guards}\n\n${history}`
}
