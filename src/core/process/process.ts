export { environmentOf } from './environment.ts'
export { type Group, startGroup } from './group.ts'
export { cappedFile, cappedText, tail } from './output.ts'
export { type CommandResult, runCommand } from './run.ts'
