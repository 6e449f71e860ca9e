import { type Command, time } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Move the simulated clock of a replay server',
  commands: {
    advance: {
      summary: 'Go to a time and run all that falls due on the way',
      arguments: '<time>',
      async run(session, { args: [to = ''] }) {
        const result = await (await session.client()).system.advanceClock({ to: time(to) })
        return { data: result, text: result.now }
      },
    },
  },
}
