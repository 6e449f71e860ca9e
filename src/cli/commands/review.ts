import { defineCommand, moment, optionalArgument, table } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Who decided what and why, newest first',
  args: { model: optionalArgument() },
  async run(session, { args: { model } }) {
    const { items } = await (await session.client()).review.listDecisions({ model })
    return {
      data: items,
      text: table(
        ['at', 'who', 'model', 'what', 'why'],
        items.map((row) => [moment(row.at), row.actor, row.model, row.what, row.reason]),
      ),
    }
  },
})
