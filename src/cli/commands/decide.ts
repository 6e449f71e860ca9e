import { type Command, string } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Record a decision with its reason',
  arguments: '<what>',
  options: [
    { flags: '--reason <text>', help: 'why', required: true },
    { flags: '--model <model>', help: 'the model it is about' },
    { flags: '--evidence <link>', help: 'gate, alert, release or URL' },
  ],
  async run(session, { args: [what = ''], options }) {
    const model = string(options['model'])
    const evidence = string(options['evidence'])
    const decision = await (await session.client()).review.decide({
      what,
      reason: string(options['reason']) ?? '',
      ...(model === undefined ? {} : { model }),
      ...(evidence === undefined ? {} : { evidence }),
    })
    return { data: decision, text: `${decision.id} recorded.` }
  },
}
