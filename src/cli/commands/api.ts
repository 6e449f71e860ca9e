import { api as contracts } from '../../contract.ts'
import type { Operation } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { assignments, defineCommand, flag, optionalArgument, table, text, texts } from '../kit/kit.ts'

const all: [string, Operation][] = Object.entries(contracts).flatMap(([domain, operations]) =>
  Object.entries(operations).map(([name, operation]): [string, Operation] => [`${domain}.${name}`, operation]),
)

export const command = defineCommand({
  summary: 'Call any operation of the API by its name',
  args: { id: optionalArgument('operation'), pairs: texts('', 'pairs') },
  options: {
    list: flag('list every operation'),
    input: text('the whole input as JSON instead of name=value pairs', 'json'),
  },
  examples: [
    'keel api --list',
    'keel api registry.getModel model=flight-delay',
    `keel api delivery.rollback --input '{"model":"flight-delay","reason":"…"}'`,
  ],
  async run(session, { args: { id, pairs }, options }) {
    if (id === undefined || options.list) return listing()
    const operation = all.find(([name]) => name === id)?.[1]
    if (!operation) throw unknown(id)
    if (operation.body === 'bytes' || operation.reply === 'bytes') {
      throw new AppError('usage', `"${id}" sends or answers bytes.`, {
        name: id,
        hint: `Use curl: ${operation.method} /api/v1${operation.path}`,
      })
    }
    const input = options.input === undefined ? assignments(pairs) : parseInput(options.input)
    const [domain = '', name = ''] = id.split('.')
    const client = (await session.client()) as unknown as Record<
      string,
      Record<string, (input: unknown) => Promise<unknown>>
    >
    return { data: await client[domain]?.[name]?.(input) }
  },
})

function listing() {
  const rows = all.map(([name, { method, path, role, summary }]) => ({
    operation: name,
    method,
    path: `/api/v1${path}`,
    role,
    summary,
  }))
  return {
    data: rows,
    text: table(
      ['operation', 'method', 'path', 'role', 'what it does'],
      rows.map((row) => Object.values(row)),
    ),
  }
}

function unknown(id: string): AppError {
  const names = all.map(([name]) => name)
  return new AppError('usage', `"${id}" is not an operation.`, {
    name: id,
    hint: didYouMean(id, names) ?? 'See "keel api --list".',
  })
}

function parseInput(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new AppError('usage', 'The --input is not JSON.', { name: '--input', cause })
  }
}
