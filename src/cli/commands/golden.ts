import { type Command, moment, optionalNumber, string, table } from '../kit/kit.ts'

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
    items: {
      summary: 'Items with who brought them, when and from where; hidden ones only for admins',
      arguments: '<golden>',
      options: [
        { flags: '--version <number>', help: 'a version (default: the newest)' },
        { flags: '--limit <number>', help: 'how many (default 20)' },
        { flags: '--cursor <cursor>', help: 'where the page before ended' },
      ],
      async run(session, { args: [golden = ''], options }) {
        const version = optionalNumber(options['version'], '--version')
        const cursor = string(options['cursor'])
        const result = await (await session.client()).evaluation.listItems({
          golden,
          limit: optionalNumber(options['limit'], '--limit') ?? 20,
          ...(version === undefined ? {} : { version }),
          ...(cursor === undefined ? {} : { cursor }),
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
    },
  },
}
