import { type Command, string } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Let releases go on after a rollback',
  arguments: '<model>',
  options: [{ flags: '--reason <text>', help: 'why it is safe now', required: true }],
  async run(session, { args: [model = ''], options }) {
    const result = await (await session.client()).delivery.unpin({ model, reason: string(options['reason']) ?? '' })
    return { data: result, text: `${model} may be released again.` }
  },
}
