import type { Command } from '../command.ts'
import { moment, table } from '../output.ts'

export const command: Command = {
  summary: 'Immutable bytes, named by their digest',
  commands: {
    list: {
      summary: 'Artifacts, newest first',
      async run(session) {
        const { items } = await (await session.client()).artifacts.list({})
        return {
          data: items,
          text: table(
            ['digest', 'files', 'bytes', 'created'],
            items.map((artifact) => [
              artifact.digest,
              artifact.files.length,
              artifact.size,
              moment(artifact.createdAt),
            ]),
          ),
        }
      },
    },
    show: {
      summary: 'The files of an artifact',
      arguments: '<digest>',
      async run(session, { args: [digest = ''] }) {
        const artifact = await (await session.client()).artifacts.get({ digest })
        return {
          data: artifact,
          text: table(
            ['path', 'bytes', 'digest'],
            artifact.files.map((file) => [file.path, file.size, file.digest]),
          ),
        }
      },
    },
    verify: {
      summary: 'Re-hash every file of an artifact',
      arguments: '<digest>',
      async run(session, { args: [digest = ''] }) {
        const report = await (await session.client()).artifacts.verify({ digest })
        return {
          data: report,
          text: report.ok ? 'All bytes are as named.' : `Damaged: ${report.damaged.join(', ')}`,
          exitCode: report.ok ? 0 : 1,
        }
      },
    },
  },
}
