import { type Command, moment, table } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Who decided what and why, newest first',
  arguments: '[model]',
  async run(session, { args: [model] }) {
    const { items } = await (await session.client()).review.listDecisions(model === undefined ? {} : { model })
    return {
      data: items,
      text: table(
        ['at', 'who', 'model', 'what', 'why'],
        items.map((row) => [moment(row.at), row.actor, row.model, row.what, row.reason]),
      ),
    }
  },
}
