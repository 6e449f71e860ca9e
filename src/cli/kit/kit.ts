export { type Command, type CommandInput, defineCommand, type Outcome } from './command.ts'
export { type CommonOptions, commonOptions } from './common-options.ts'
export { answers } from './connection.ts'
export { assignments, modelVersion, parseTime } from './input.ts'
export { colours, type Io, isInteractive } from './io.ts'
export { resultOf } from './job.ts'
export { listing, listOptions } from './listing.ts'
export { type Cell, estimate, facts, moment, number, percent, pick, pickedTable, table } from './output.ts'
export {
  amount,
  argument,
  argumentForm,
  count,
  duration,
  flag,
  type Given,
  helpOf,
  oneOf,
  optionalArgument,
  optionFlags,
  optionName,
  type ParameterSet,
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
export { type CommandLine, createSession, type Session, type Word } from './session.ts'
export { readableBytes } from './sizes.ts'
