import { type Command, defineCommand, required, time } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Move the simulated clock of a replay server',
  commands: {
    advance: defineCommand({
      summary: 'Go to a time and run all that falls due on the way',
      args: { to: required(time('')) },
      async run(session, { args: { to } }) {
        const result = await (await session.client()).system.advanceClock({ to })
        return { data: result, text: result.now }
      },
    }),
  },
}
