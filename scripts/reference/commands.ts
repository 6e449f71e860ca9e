import type { Command } from '../../src/cli/kit/command.ts'
import { commonOptions } from '../../src/cli/kit/common-options.ts'
import { argumentForm, helpOf, optionFlags, type ParameterSet } from '../../src/cli/kit/parameters.ts'
import { words } from '../../src/cli/words.ts'
import { block, code, table } from './markdown.ts'

const head = `# Commands

\`keel <command> --help\` says the same. Data go to stdout, everything for people to stderr.

Exit codes: 0 ok · 1 unexpected · 2 usage or invalid config · 3 gate failed · 4 cannot tell · 5 refused by policy · 6 server unreachable

Every command takes:`

export async function commandsPage(): Promise<string> {
  const commands = await Promise.all(
    Object.entries(words).map(async ([name, { load }]) => describe(`keel ${name}`, (await load()).command)),
  )
  return [head, optionTable(commonOptions), ...commands.flat()].join('\n\n')
}

function describe(name: string, command: Command, depth = 2): string[] {
  const { summary, args = {}, options = {}, examples = [], commands = {} } = command
  const usage = [name, ...Object.entries(args).map(([key, parameter]) => argumentForm(key, parameter))].join(' ')
  return [
    `${'#'.repeat(depth)} ${name}`,
    `${summary}.`.replace(/([.?])\.$/, '$1'),
    ...(command.run ? [block('', [usage])] : []),
    ...(Object.keys(options).length > 0 ? [optionTable(options)] : []),
    ...(examples.length > 0 ? [block('', examples)] : []),
    ...Object.entries(commands).flatMap(([child, node]) => describe(`${name} ${child}`, node, depth + 1)),
  ]
}

function optionTable(options: ParameterSet): string {
  return table(
    ['option', 'what it does'],
    Object.entries(options).map(([key, parameter]) => [
      code(optionFlags(key, parameter)),
      parameter.required ? `${helpOf(parameter)} (needed)` : helpOf(parameter),
    ]),
  )
}
