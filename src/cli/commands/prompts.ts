import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from '../command.ts'
import { list, modelVersion } from '../input.ts'
import { moment, table } from '../output.ts'

export const command: Command = {
  summary: 'Registered prompts and their versions',
  commands: {
    list: {
      summary: 'Prompts',
      async run(session) {
        const { items } = await (await session.client()).registry.listModels({ kind: 'prompt' })
        return {
          data: items,
          text: table(
            ['prompt', 'versions', 'created'],
            items.map((row) => [row.name, row.latestVersion, moment(row.createdAt)]),
          ),
        }
      },
    },
    register: {
      summary: 'Register a prompt from a file: a new version when its text is new',
      arguments: '<prompt> <file>',
      options: [{ flags: '--source <source...>', help: 'sources it is grounded in' }],
      async run(session, { args: [model = '', file = ''], options }) {
        const client = await session.client()
        const prompt = readFileSync(resolve(session.io.cwd, file), 'utf8')
        const { items } = await client.registry.listModels({ kind: 'prompt' })
        if (!items.some(({ name }) => name === model))
          await client.registry.createModel({ name: model, kind: 'prompt' })
        const version = await client.registry.registerVersion({
          model,
          flavor: 'prompt',
          prompt,
          sources: list(options['source']),
        })
        return { data: version, text: `${model}@${version.version} registered.` }
      },
    },
    show: {
      summary: 'The text of a version',
      arguments: '<prompt@version>',
      async run(session, { args: [given = ''] }) {
        const version = await (await session.client()).registry.getVersion(modelVersion(given))
        return { data: version, text: version.prompt ?? '' }
      },
    },
  },
}
