import type { Command } from '../command.ts'
import { moment, table } from '../output.ts'

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
  },
}
