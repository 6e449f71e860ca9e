import { Option, type Command as Program } from 'commander'
import type { Command, CommandInput } from './command.ts'
import { commonOptions } from './common-options.ts'
import {
  argumentForm,
  helpOf,
  optionFlags,
  optionName,
  type ParameterSet,
  type ParsedValue,
  valuesOf,
} from './parameters.ts'

/** What is shown is what is read: the arguments and options as data. */
export function declare(node: Program, { args = {}, options = {} }: Command): void {
  for (const [key, parameter] of Object.entries(args)) node.argument(argumentForm(key, parameter), helpOf(parameter))
  for (const [key, parameter] of Object.entries({ ...options, ...commonOptions }))
    node.addOption(new Option(optionFlags(key, parameter), helpOf(parameter)).makeOptionMandatory(parameter.required))
}

/** A wrong word is refused here, before anything is asked. */
export function inputOf(
  { args = {}, options = {} }: Command,
  typed: ParsedValue[],
  given: Record<string, ParsedValue>,
): CommandInput {
  const placed = Object.fromEntries(Object.keys(args).map((key, index) => [key, typed[index]]))
  const all: ParameterSet & typeof commonOptions = { ...options, ...commonOptions }
  return {
    args: valuesOf(args, placed, argumentForm),
    options: valuesOf(all, given, optionName),
  }
}
