import { CommanderError, Command as Program } from 'commander'
import { AppError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'
import {
  type Command,
  type CommandInput,
  createSession,
  declare,
  type Io,
  inputOf,
  onInterrupt,
  type ParsedValue,
  report,
  show,
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
    const given = node.optsWithGlobals<Record<string, ParsedValue>>()
    const input = inputOf(command, node.processedArgs as ParsedValue[], given)
    results.set(program, await perform({ ...command, run }, input, given, io, json))
  })
}

type Runnable = Command & Required<Pick<Command, 'run'>>

async function perform(
  command: Runnable,
  input: CommandInput,
  given: Record<string, ParsedValue>,
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
