import type { CommonOptions } from './common-options.ts'
import type { ParameterSet, Values } from './parameters.ts'
import type { Session } from './session.ts'

/** What a command gets: its own arguments and options, and those that every command takes. */
export type CommandInput<Args extends ParameterSet = ParameterSet, Options extends ParameterSet = ParameterSet> = {
  args: Values<Args>
  options: Values<Options> & CommonOptions
}

/** What a command found out: `data` is what --json prints, `text` what people read. */
export type Outcome = {
  data: unknown
  /** A list that --jsonl prints line by line, as it arrives. */
  items?: AsyncIterable<unknown>
  text?: string
  /** The commands to type next, shown on stderr. */
  next?: string[]
  exitCode?: number
}

type Definition<Args extends ParameterSet, Options extends ParameterSet> = {
  summary: string
  /** In the order in which they are typed. */
  args?: Args
  options?: Options
  examples?: string[]
  commands?: Record<string, Command>
  /** A command that works without a project, such as `init`. */
  anywhere?: boolean
  /** It ends by itself when interrupted; nothing races with it. */
  ownsInterrupt?: boolean
  run?(session: Session, input: CommandInput<Args, Options>): Promise<Outcome>
}

/** One word of the command line, as data. */
export type Command = Definition<ParameterSet, ParameterSet>

type None = Record<never, never>

/** A command whose `run` knows the types of its arguments and options from what they are. */
export function defineCommand<const Args extends ParameterSet = None, const Options extends ParameterSet = None>(
  definition: Definition<Args, Options>,
): Command {
  return definition
}
