import { CommanderError, Option, Command as Program } from 'commander'
import { ProblemError } from '../client/client.ts'
import { catalogue } from '../core/error-catalogue.ts'
import { AppError, type ErrorCode, toAppError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'
import {
  argumentForm,
  type Command,
  type CommandInput,
  type CommonOptions,
  colours,
  commonOptions,
  createSession,
  type Given,
  helpOf,
  type Io,
  type Outcome,
  optionFlags,
  optionName,
  type ParameterSet,
  pick,
  pickedTable,
  type Session,
  valuesOf,
} from './kit/kit.ts'
import { summaries, words } from './words.ts'

const exitCodes = `
Exit codes: 0 ok · 1 unexpected · 2 usage or invalid config · 3 gate failed · 4 cannot tell · 5 refused by policy · 6 server unreachable`

/** Runs one command line and returns its exit code. Data go to stdout, everything for people to stderr. */
export async function run(argv: string[], io: Io): Promise<number> {
  const json = argv.includes('--json') || argv.includes('--jsonl')
  try {
    const program = await createProgram(argv, io, json)
    await program.parseAsync(argv, { from: 'user' })
    return exitCodeOf(program)
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    return report(error, io, json, argv.includes('--debug'))
  }
}

const results = new WeakMap<Program, number>()

function exitCodeOf(program: Program): number {
  return results.get(program) ?? 0
}

async function createProgram(argv: string[], io: Io, json: boolean): Promise<Program> {
  const program = new Program('keel')
  program
    .description('MLOps for small teams, in one process.')
    .usage('<command> [options]')
    .addHelpText('after', exitCodes)
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: () => undefined })
    .helpCommand(false)
  const typed = argv.find((argument) => !argument.startsWith('-'))
  // Behind a word it may be an option of that word.
  if (typed === undefined) program.option('-V, --version', 'print the version')
  if (typed === undefined && (argv.includes('--version') || argv.includes('-V'))) return versionProgram(program, io)
  if (typed !== undefined && !(typed in words)) {
    throw new AppError('usage', `"${typed}" is not a command.`, {
      name: typed,
      hint: didYouMean(typed, Object.keys(words)) ?? 'See "keel --help".',
    })
  }
  for (const [name, word] of Object.entries(words)) {
    if (name !== typed) {
      program.command(name).description(word.summary)
      continue
    }
    const { command } = await word.load()
    attach(program, program.command(name), command, io, json)
  }
  if (typed === undefined) program.action(() => program.outputHelp())
  return program
}

async function versionProgram(program: Program, io: Io): Promise<Program> {
  const { version } = await import('../version.ts')
  program.action(() => {
    io.stdout.write(`${version}\n`)
  })
  return program
}

function attach(program: Program, node: Program, command: Command, io: Io, json: boolean): void {
  node.description(command.summary).exitOverride().showHelpAfterError(false).helpCommand(false)
  node.configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: () => undefined })
  declare(node, command)
  if (command.examples)
    node.addHelpText('after', `\nExamples:\n${command.examples.map((example) => `  ${example}`).join('\n')}`)
  for (const [name, child] of Object.entries(command.commands ?? {}))
    attach(program, node.command(name), child, io, json)
  const { run } = command
  if (!run) {
    node.action(() => {
      const known = Object.keys(command.commands ?? {})
      const given = node.args[0]
      if (given === undefined) return node.outputHelp()
      throw new AppError('usage', `"${node.name()} ${given}" is not a command.`, {
        name: given,
        hint: didYouMean(given, known) ?? `Known: ${known.join(', ')}.`,
      })
    })
    return
  }
  node.action(async () => {
    // A common option may stand behind any word of the command line.
    const given = node.optsWithGlobals<Record<string, Given>>()
    const input = inputOf(command, node.processedArgs as Given[], given)
    results.set(program, await perform({ ...command, run }, input, given, io, json))
  })
}

/** What is shown is what is read: the arguments and options as data. */
function declare(node: Program, { args = {}, options = {} }: Command): void {
  for (const [key, parameter] of Object.entries(args)) node.argument(argumentForm(key, parameter), helpOf(parameter))
  for (const [key, parameter] of Object.entries({ ...options, ...commonOptions }))
    node.addOption(new Option(optionFlags(key, parameter), helpOf(parameter)).makeOptionMandatory(parameter.required))
}

/** A wrong word is refused here, before anything is asked. */
function inputOf({ args = {}, options = {} }: Command, typed: Given[], given: Record<string, Given>): CommandInput {
  const placed = Object.fromEntries(Object.keys(args).map((key, index) => [key, typed[index]]))
  const all: ParameterSet & typeof commonOptions = { ...options, ...commonOptions }
  return {
    args: valuesOf(args, placed, argumentForm),
    options: valuesOf(all, given, optionName),
  }
}

type Runnable = Command & Required<Pick<Command, 'run'>>

async function perform(
  command: Runnable,
  input: CommandInput,
  given: Record<string, Given>,
  io: Io,
  json: boolean,
): Promise<number> {
  const flags = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, typeof value === 'string' ? value : undefined]),
  )
  const session = createSession({ io, flags, json, commandLine: { run, words: summaries } })
  const interrupted = command.ownsInterrupt ? undefined : onInterrupt(session)
  try {
    const work = command.run(session, input)
    const outcome = await (interrupted ? Promise.race([work, interrupted.promise]) : work)
    await show(outcome, session, input.options)
    io.observe?.(outcome.data)
    return outcome.exitCode ?? 0
  } finally {
    interrupted?.dispose()
    await session.close()
  }
}

/** The first Ctrl-C ends the command in good order; the second ends it at once. */
function onInterrupt(session: Session): { promise: Promise<never>; dispose(): void } {
  let listener: () => void = () => undefined
  const promise = new Promise<never>((_resolve, reject) => {
    listener = () => {
      process.once('SIGINT', () => process.exit(130))
      session.say('Stopping. What is already stored stays; press Ctrl-C again to stop at once.')
      reject(
        new AppError('interrupted', 'Interrupted.', {
          hint: 'Run the same command again: it goes on from what is stored.',
        }),
      )
    }
    process.once('SIGINT', listener)
  })
  promise.catch(() => undefined)
  return { promise, dispose: () => process.removeListener('SIGINT', listener) }
}

async function show(outcome: Outcome, session: Session, options: CommonOptions): Promise<void> {
  const { io, json } = session
  const fields = options.fields?.split(',').map((field) => field.trim()) ?? []
  if (options.jsonl) {
    const items = outcome.items ?? (Array.isArray(outcome.data) ? outcome.data : [outcome.data])
    for await (const item of items) io.stdout.write(`${JSON.stringify(pick(item, fields))}\n`)
    return
  }
  const data = pick(outcome.data, fields)
  if (json) {
    io.stdout.write(`${JSON.stringify(data, null, 2)}\n`)
    return
  }
  const text = fields.length > 0 ? pickedTable(data, fields) : (outcome.text ?? JSON.stringify(data, null, 2))
  if (text !== '') io.stdout.write(`${text}\n`)
  const colour = colours(io, io.stderr)
  for (const next of outcome.next ?? []) io.stderr.write(`${colour('dim', 'Next:')} ${colour('cyan', next)}\n`)
}

/** Tells what happened, why, and the command that mends it. With --json the error is JSON too, on stdout. */
function report(thrown: unknown, io: Io, json: boolean, debug: boolean): number {
  const { code, message, hint, name, exitCode } = describe(thrown)
  if (json) {
    io.stdout.write(
      `${JSON.stringify({ error: { code, message, ...(hint ? { hint } : {}), ...(name ? { name } : {}) } })}\n`,
    )
    return exitCode
  }
  const colour = colours(io, io.stderr)
  io.stderr.write(`${colour('red', 'Error:')} ${message}\n`)
  if (debug && thrown instanceof Error) io.stderr.write(`${thrown.stack ?? ''}\n`)
  if (hint) io.stderr.write(`${colour('dim', 'Hint:')} ${hint}\n`)
  return exitCode
}

type Description = {
  code: string
  message: string
  hint?: string | undefined
  name?: string | undefined
  exitCode: number
}

function describe(thrown: unknown): Description {
  if (thrown instanceof ProblemError) {
    const { code, detail, hint, name, requestId } = thrown.problem
    const known = code in catalogue ? catalogue[code as ErrorCode] : undefined
    const message = code === 'internal' && requestId ? `${detail} (${requestId})` : detail
    return { code, message, hint, name, exitCode: known?.exit ?? 1 }
  }
  if (thrown instanceof CommanderError) {
    return {
      code: 'usage',
      message: thrown.message.replace(/^error: /, ''),
      hint: 'See "keel <command> --help".',
      exitCode: 2,
    }
  }
  if (thrown instanceof TypeError && thrown.message === 'fetch failed') {
    return {
      code: 'unreachable',
      message: 'The server stopped answering.',
      hint: 'Start it again with "keel up".',
      exitCode: 6,
    }
  }
  const error = toAppError(thrown)
  return { code: error.code, message: error.message, hint: error.hint, name: error.offender, exitCode: error.exitCode }
}
