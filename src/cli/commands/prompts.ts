import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AppError } from '../../core/errors.ts'
import {
  type Command,
  type CommandInput,
  colours,
  list,
  listing,
  listOptions,
  moment,
  type Outcome,
  type Session,
  string,
} from '../kit/kit.ts'
import { changedLines } from '../prompts/changed-lines.ts'
import { changeAlias, exportVersion } from '../transfer/registry-actions.ts'

const pushOptions = [
  { flags: '--description <text>', help: 'what is new' },
  { flags: '--alias <alias>', help: 'point this alias at it' },
  { flags: '--source <source...>', help: 'sources it is grounded in' },
]

export const command: Command = {
  summary: 'Registered prompts and their versions',
  commands: {
    list: {
      summary: 'Prompts',
      options: listOptions,
      async run(session, input) {
        const client = await session.client()
        return listing(input, {
          fetch: (paging) => client.registry.listModels({ kind: 'prompt', ...paging }),
          headers: ['prompt', 'versions', 'aliases', 'created'],
          row: (row) => [
            row.name,
            row.latestVersion,
            Object.entries(row.aliases)
              .map(([alias, version]) => `${alias}=v${version}`)
              .join(' '),
            moment(row.createdAt),
          ],
        })
      },
    },
    push: {
      summary: 'Register a prompt from a file: a new version when its text is new',
      arguments: '<prompt> <file>',
      options: pushOptions,
      examples: ['keel prompts push answer prompts/answer.txt --alias production'],
      run: push,
    },
    register: { summary: 'The same as push', arguments: '<prompt> <file>', options: pushOptions, run: push },
    show: {
      summary: 'The text of a version or an alias; without one, of the newest version',
      arguments: '<prompt[@version|@alias]>',
      async run(session, { args: [given = ''] }) {
        const found = await promptOf(session, given)
        return { data: found, text: found.text }
      },
    },
    diff: {
      summary: 'What changed from one version to another',
      arguments: '<from> <to>',
      examples: ['keel prompts diff answer@1 answer@production'],
      run: diff,
    },
    alias: {
      summary: 'Point an alias at a version, or remove it',
      arguments: '<prompt@version> <alias>',
      options: [{ flags: '--remove', help: 'remove the alias' }],
      run: (session, input) => changeAlias(session, input),
    },
    export: {
      summary: 'A version as files: prompt.txt and version.json',
      arguments: '<prompt@version>',
      options: [{ flags: '--to <folder>', help: 'the folder (default: the name and the number)' }],
      run: exportVersion,
    },
  },
}

async function push(session: Session, { args: [prompt = '', file = ''], options }: CommandInput): Promise<Outcome> {
  const client = await session.client()
  const description = string(options['description'])
  const pushed = await client.registry.pushPrompt({
    prompt,
    text: readText(session, file),
    sources: list(options['source']),
    ...(description === undefined ? {} : { description }),
  })
  const alias = string(options['alias'])
  if (alias !== undefined) await client.registry.setAlias({ model: prompt, alias, version: pushed.version })
  const variables = pushed.variables.length === 0 ? 'no variables' : `variables: ${pushed.variables.join(', ')}`
  return { data: pushed, text: `${prompt}@${pushed.version} registered (${variables}).` }
}

function readText(session: Session, file: string): string {
  try {
    return readFileSync(resolve(session.io.cwd, file), 'utf8')
  } catch (cause) {
    throw new AppError('invalid_file', `The file "${file}" cannot be read.`, { name: file, cause })
  }
}

async function promptOf(session: Session, given: string) {
  const client = await session.client()
  const [, prompt = given, which] = /^([^@]+)@(.+)$/.exec(given) ?? []
  if (which === undefined) return client.registry.getPrompt({ prompt })
  const number = /^v?(\d+)$/.exec(which)?.[1]
  return client.registry.getPrompt(
    number === undefined ? { prompt, alias: which } : { prompt, version: Number(number) },
  )
}

async function diff(session: Session, { args: [from = '', to = ''] }: CommandInput): Promise<Outcome> {
  const [before, after] = [await promptOf(session, from), await promptOf(session, to)]
  const lines = changedLines(before.text, after.text)
  const colour = colours(session.io, session.io.stdout)
  const style = { '+': 'green', '-': 'red', ' ': 'reset' } as const
  const variables = {
    added: after.variables.filter((name) => !before.variables.includes(name)),
    removed: before.variables.filter((name) => !after.variables.includes(name)),
  }
  return {
    data: { from: before.version, to: after.version, variables, lines },
    text: lines.map(({ sign, text }) => colour(style[sign], `${sign} ${text}`)).join('\n'),
  }
}
