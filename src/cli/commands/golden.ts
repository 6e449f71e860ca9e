import { argument, type Command, count, defineCommand, moment, table, text, withDefault } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Golden sets: small, realistic, versioned',
  commands: {
    list: {
      summary: 'Golden sets, each in its newest version',
      async run(session) {
        const { items } = await (await session.client()).evaluation.listGolden({})
        return {
          data: items,
          text: table(
            ['golden set', 'version', 'items', 'uses', 'created', 'digest'],
            items.map((set) => [set.name, set.version, set.items, set.uses, moment(set.createdAt), set.digest]),
          ),
        }
      },
    },
    items: defineCommand({
      summary: 'Items with who brought them, when and from where; hidden ones only for admins',
      args: { golden: argument() },
      options: {
        version: count('a version (default: the newest)'),
        limit: withDefault(count('how many'), 20),
        cursor: text('where the page before ended', 'cursor'),
      },
      async run(session, { args: { golden }, options: { version, cursor, limit } }) {
        const result = await (await session.client()).evaluation.listItems({
          golden,
          limit,
          version,
          cursor,
        })
        const rows = result.items.map(({ id, hidden, provenance }) => [
          id,
          hidden ? 'hidden' : '',
          provenance.by,
          moment(provenance.at),
          provenance.from,
        ])
        return {
          data: result,
          text: table(['item', '', 'by', 'at', 'from'], rows),
          next: result.next === undefined ? [] : [`keel golden items ${golden} --cursor ${result.next}`],
        }
      },
    }),
  },
}
