import type { Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import { millisecondsOf } from '../../core/time.ts'
import type { delivery } from '../../domains/delivery/contract.ts'
import { argument, type Command, defineCommand, moment, number, parseTime, required, table, text } from '../kit/kit.ts'

type Policy = Output<(typeof delivery)['policy']>

const days = /^(\d+)d$/

const explain = defineCommand({
  summary: 'Every rung of the ladder, where the model stands on it, and what follows',
  args: { model: argument() },
  async run(session, { args: { model } }) {
    const policy = await (await session.client()).delivery.policy({ model })
    return { data: policy, text: describePolicy(policy) }
  },
})

export const command: Command = {
  ...explain,
  summary: 'How freely a model may be released now, and why',
  commands: {
    explain,
    override: defineCommand({
      summary: 'Set the policy aside for a while, in writing; it is counted',
      args: { model: argument() },
      options: {
        owner: required(text('who answers for it', 'person')),
        reason: required(text('why')),
        expires: required(text('such as 7d, or a time', 'when')),
      },
      async run(session, { args: { model }, options: { expires, owner, reason } }) {
        const client = await session.client()
        const [, count] = days.exec(expires) ?? []
        const { now } = await client.system.info({})
        const expiresAt =
          count === undefined ? parseTime(expires) : new Date(millisecondsOf(now) + Number(count) * day).toISOString()
        const override = await client.delivery.overridePolicy({
          model,
          owner,
          reason,
          expiresAt,
        })
        return { data: override, text: `The policy of ${model} is set aside until ${moment(override.expiresAt)}.` }
      },
    }),
    overrides: defineCommand({
      summary: 'Every override there was',
      args: { model: argument() },
      async run(session, { args: { model } }) {
        const { items } = await (await session.client()).delivery.listOverrides({ model })
        const rows = items.map((one) => [moment(one.createdAt), moment(one.expiresAt), one.owner, one.reason])
        return { data: items, text: table(['from', 'to', 'owner', 'why'], rows) }
      },
    }),
  },
}

function describePolicy({ model, level, signals, effects }: Policy): string {
  const rows = signals.map((one) => [one.level, one.signal, number(one.value, 2), one.yellow, one.red, one.reason])
  const follows = effects.length === 0 ? 'Nothing holds it back.' : effects.map((effect) => `→ ${effect}`).join('\n')
  return `${model} is ${level}\n\n${table(['', 'looks at', 'value', 'yellow', 'red', 'why'], rows)}\n\n${follows}`
}
