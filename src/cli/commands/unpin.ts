import { argument, defineCommand, required, text } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Let releases go on after a rollback',
  args: { model: argument() },
  options: { reason: required(text('why it is safe now')) },
  async run(session, { args: { model }, options: { reason } }) {
    const result = await (await session.client()).delivery.unpin({ model, reason })
    return { data: result, text: `${model} may be released again.` }
  },
})
