import { count, defineCommand, moment, table, text } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'The audit log: what changed, when, by whom, through which operation',
  options: {
    subject: text('such as model/flight-delay', 'subject'),
    type: text('such as delivery.rolled_back', 'type'),
    limit: count('how many'),
  },
  async run(session, { options: { subject, type, limit } }) {
    const { items } = await (await session.client()).system.events({
      subject,
      type,
      limit,
    })
    return {
      data: items,
      text: table(
        ['seq', 'at', 'what', 'subject', 'by', 'through'],
        items.map((row) => [row.seq, moment(row.at), row.type, row.subject, row.actor, row.cause]),
      ),
    }
  },
})
