import type { Session } from './session.ts'

export type OptionValue = string | boolean | string[] | undefined
export type CommandInput = { args: string[]; options: Record<string, OptionValue> }

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

/** One word of the command line, as data. */
export type Command = {
  summary: string
  /** As in `<model> [version]`. */
  arguments?: string
  options?: { flags: string; help: string; required?: boolean }[]
  examples?: string[]
  commands?: Record<string, Command>
  /** The words that its argument may be, for completion. */
  choices?: string[]
  /** A command that works without a project, such as `init`. */
  anywhere?: boolean
  /** It ends by itself when interrupted; nothing races with it. */
  ownsInterrupt?: boolean
  run?(session: Session, input: CommandInput): Promise<Outcome>
}
