import { type Command, moment, optionalNumber, string, table } from '../kit/kit.ts'

export const command: Command = {
  summary: 'The audit log: what changed, when, by whom, through which operation',
  options: [
    { flags: '--subject <subject>', help: 'such as model/flight-delay' },
    { flags: '--type <type>', help: 'such as delivery.rolled_back' },
    { flags: '--limit <number>', help: 'how many' },
  ],
  async run(session, { options }) {
    const subject = string(options['subject'])
    const type = string(options['type'])
    const limit = optionalNumber(options['limit'], '--limit')
    const { items } = await (await session.client()).system.events({
      ...(subject === undefined ? {} : { subject }),
      ...(type === undefined ? {} : { type }),
      ...(limit === undefined ? {} : { limit }),
    })
    return {
      data: items,
      text: table(
        ['seq', 'at', 'what', 'subject', 'by', 'through'],
        items.map((row) => [row.seq, moment(row.at), row.type, row.subject, row.actor, row.cause]),
      ),
    }
  },
}
