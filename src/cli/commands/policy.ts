import type { Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import type { delivery } from '../../domains/delivery/contract.ts'
import { type Command, moment, number, string, table, time } from '../kit/kit.ts'

type Policy = Output<(typeof delivery)['policy']>

const days = /^(\d+)d$/

const explain: Command = {
  summary: 'Every rung of the ladder, where the model stands on it, and what follows',
  arguments: '<model>',
  async run(session, { args: [model = ''] }) {
    const policy = await (await session.client()).delivery.policy({ model })
    return { data: policy, text: describePolicy(policy) }
  },
}

export const command: Command = {
  ...explain,
  summary: 'How freely a model may be released now, and why',
  commands: {
    explain,
    override: {
      summary: 'Set the policy aside for a while, in writing; it is counted',
      arguments: '<model>',
      options: [
        { flags: '--owner <person>', help: 'who answers for it', required: true },
        { flags: '--reason <text>', help: 'why', required: true },
        { flags: '--expires <when>', help: 'such as 7d, or a time', required: true },
      ],
      async run(session, { args: [model = ''], options }) {
        const client = await session.client()
        const given = string(options['expires']) ?? ''
        const [, count] = days.exec(given) ?? []
        const { now } = await client.system.info({})
        const expiresAt =
          count === undefined ? time(given) : new Date(Date.parse(now) + Number(count) * day).toISOString()
        const override = await client.delivery.overridePolicy({
          model,
          owner: string(options['owner']) ?? '',
          reason: string(options['reason']) ?? '',
          expiresAt,
        })
        return { data: override, text: `The policy of ${model} is set aside until ${moment(override.expiresAt)}.` }
      },
    },
    overrides: {
      summary: 'Every override there was',
      arguments: '<model>',
      async run(session, { args: [model = ''] }) {
        const { items } = await (await session.client()).delivery.listOverrides({ model })
        const rows = items.map((one) => [moment(one.createdAt), moment(one.expiresAt), one.owner, one.reason])
        return { data: items, text: table(['from', 'to', 'owner', 'why'], rows) }
      },
    },
  },
}

function describePolicy({ model, level, signals, effects }: Policy): string {
  const rows = signals.map((one) => [one.level, one.signal, number(one.value, 2), one.yellow, one.red, one.reason])
  const follows = effects.length === 0 ? 'Nothing holds it back.' : effects.map((effect) => `→ ${effect}`).join('\n')
  return `${model} is ${level}\n\n${table(['', 'looks at', 'value', 'yellow', 'red', 'why'], rows)}\n\n${follows}`
}
