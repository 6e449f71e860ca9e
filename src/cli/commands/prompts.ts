import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AppError } from '../../core/errors.ts'
import {
  argument,
  type Command,
  type CommandInput,
  colours,
  defineCommand,
  flag,
  listing,
  listOptions,
  moment,
  type Outcome,
  type Session,
  text,
  texts,
} from '../kit/kit.ts'
import { changedLines } from '../prompts/changed-lines.ts'
import { changeAlias, exportVersion } from '../transfer/registry-actions.ts'

const pushArgs = { prompt: argument(), file: argument() }
const pushOptions = {
  description: text('what is new'),
  alias: text('point this alias at it', 'alias'),
  source: texts('sources it is grounded in', 'source'),
}

export const command: Command = {
  summary: 'Registered prompts and their versions',
  commands: {
    list: defineCommand({
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
    }),
    push: defineCommand({
      summary: 'Register a prompt from a file: a new version when its text is new',
      args: pushArgs,
      options: pushOptions,
      examples: ['keel prompts push answer prompts/answer.txt --alias production'],
      run: push,
    }),
    register: defineCommand({
      summary: 'The same as push',
      args: pushArgs,
      options: pushOptions,
      run: push,
    }),
    show: defineCommand({
      summary: 'The text of a version or an alias; without one, of the newest version',
      args: { given: argument('prompt[@version|@alias]') },
      async run(session, { args: { given } }) {
        const found = await promptOf(session, given)
        return { data: found, text: found.text }
      },
    }),
    diff: defineCommand({
      summary: 'What changed from one version to another',
      args: { from: argument(), to: argument() },
      examples: ['keel prompts diff answer@1 answer@production'],
      run: (session, { args: { from, to } }) => diff(session, from, to),
    }),
    alias: defineCommand({
      summary: 'Point an alias at a version, or remove it',
      args: { given: argument('prompt@version'), alias: argument() },
      options: { remove: flag('remove the alias') },
      run: (session, { args: { given, alias }, options: { remove } }) => changeAlias(session, given, alias, remove),
    }),
    export: defineCommand({
      summary: 'A version as files: prompt.txt and version.json',
      args: { given: argument('prompt@version') },
      options: { to: text('the folder (default: the name and the number)', 'folder') },
      run: (session, { args: { given }, options: { to } }) => exportVersion(session, given, to),
    }),
  },
}

type Push = CommandInput<typeof pushArgs, typeof pushOptions>

async function push(session: Session, { args: { prompt, file }, options }: Push): Promise<Outcome> {
  const client = await session.client()
  const { alias, description } = options
  const pushed = await client.registry.pushPrompt({
    prompt,
    text: readText(session, file),
    sources: options.source,
    description,
  })
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

async function diff(session: Session, from: string, to: string): Promise<Outcome> {
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
