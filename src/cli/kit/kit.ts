export { milliseconds, moment, number, percent } from '../../client/format.ts'
export { type Command, type CommandInput, defineCommand, type Outcome } from './command.ts'
export type { CommonOptions } from './common-options.ts'
export { answers } from './connection.ts'
export { declare, inputOf } from './declare.ts'
export { exitCodeOf } from './exit-codes.ts'
export { assignments, modelVersion, parseTime } from './input.ts'
export { onInterrupt } from './interrupt.ts'
export { colours, type Io, isInteractive } from './io.ts'
export { resultOf } from './job.ts'
export { listing, listOptions } from './listing.ts'
export { type Cell, estimate, facts, table } from './output.ts'
export {
  amount,
  argument,
  count,
  duration,
  flag,
  oneOf,
  optionalArgument,
  optionName,
  type ParsedValue,
  required,
  text,
  texts,
  time,
  type Values,
  valuesOf,
  withDefault,
} from './parameters.ts'
export { createProgress } from './progress.ts'
export { demoFolder } from './project-folder.ts'
export { report } from './report.ts'
export { type CommandLine, createSession, type Session, type Word } from './session.ts'
export { show } from './show.ts'
export { readableBytes } from './sizes.ts'
