import { argument, defineCommand, facts, milliseconds } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Rehearse: perform the rollback on the warm pair, verify, restore, record the seconds',
  args: { model: argument() },
  async run(session, { args: { model } }) {
    const drill = await (await session.client()).delivery.drill({ model })
    return {
      data: drill,
      text: facts([
        ['rolled back', `${drill.from} → ${drill.to} in ${milliseconds(drill.seconds)}`],
        ['restored', `in ${milliseconds(drill.restoredSeconds)}`],
        ['passed', drill.passed ? 'yes' : 'NO'],
      ]),
      exitCode: drill.passed ? 0 : 1,
    }
  },
})
