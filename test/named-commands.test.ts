import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Command } from '../src/cli/kit/command.ts'
import { commonOptions } from '../src/cli/kit/common-options.ts'
import { optionName } from '../src/cli/kit/parameters.ts'
import { words } from '../src/cli/words.ts'
import { api } from '../src/contract.ts'

const root = join(import.meta.dirname, '..')
const places = [
  'src/**/*.ts',
  'web/src/**/*.{ts,tsx}',
  'docs/**/*.md',
  'examples/**/*.md',
  'templates/**/*.md',
  'README.md',
  'bin/*.js',
]
const commands: Record<string, Command> = {}
for (const [name, { load }] of Object.entries(words)) commands[name] = (await load()).command
const top: Command = { summary: '', commands }

const operations = new Set(
  Object.entries(api).flatMap(([domain, contract]) => Object.keys(contract).map((name) => `${domain}.${name}`)),
)

/** What a text names that nobody can type: a word, a word below it, an option, or a value that an option does not take. */
function wrong(line: string): string | undefined {
  const tokens = line.trim().split(/\s+/)
  let command = top
  let path = 'keel'
  while (tokens[0] !== undefined) {
    const name = /^[a-z-]+/.exec(tokens[0])?.[0] ?? ''
    const child = command.commands?.[name]
    if (!child) break
    command = child
    path += ` ${name}`
    tokens.shift()
  }
  const [next] = tokens
  if (!command.run && (next === undefined ? command === top : /^[a-z]/.test(next))) return `${path} ${next ?? ''}`
  const operation = path === 'keel api' ? /^([a-z]+)\.([A-Za-z]+)/.exec(next ?? '') : null
  if (operation && !operations.has(operation[0])) return `${path} ${operation[0]}`
  const known = Object.keys({ ...command.options, ...commonOptions }).map(optionName)
  const option = line.match(/--[a-z][a-z-]*/g)?.find((name) => name !== '--help' && !known.includes(name))
  if (option !== undefined) return `${path} ${option}`
  for (const [key, { words: allowed }] of Object.entries(command.options ?? {})) {
    const given = new RegExp(`${optionName(key)}[ =]([A-Za-z_-]+)`).exec(line)?.[1]
    if (allowed && given !== undefined && given !== 'X' && !allowed.includes(given))
      return `${path} ${optionName(key)} ${given}`
  }
  return undefined
}

/** Each `keel …` of a text up to where its quotation or its sentence ends; what a program puts in reads as X. */
function named(text: string): string[] {
  const filled = text.replaceAll(/\$\{[^{}]*\}/g, 'X')
  return [...filled.matchAll(/(?<![\w./@-])keel ([a-z-][^"'`\n]*)/g)].map(
    ([, line = '']) => line.split(/ {2,}|[.;,)] | # /)[0] ?? '',
  )
}

test('every command that a hint, a fix, a next step or a guide names can be typed', () => {
  const found: string[] = []
  let looked = 0
  for (const path of globSync(places, { cwd: root }))
    for (const line of named(readFileSync(join(root, path), 'utf8'))) {
      looked++
      const what = wrong(line)
      if (what !== undefined) found.push(`${path}: ${what} (in "keel ${line}")`)
    }
  assert.ok(looked > 100, `only ${looked} were looked at`)
  assert.deepEqual(found, [])
})

test('a word, an option and a value that do not exist would be found, wherever they are named', () => {
  assert.deepEqual(
    [
      'run "keel restore <backup>" first',
      '`keel models forget churn`',
      "'keel gate churn@2 --strict'",
      '"keel token create ann --role owner"',
      '`keel api registry.forget`',
    ]
      .flatMap(named)
      .map(wrong),
    [
      'keel restore',
      'keel models forget',
      'keel gate --strict',
      'keel token create --role owner',
      'keel api registry.forget',
    ],
  )
  assert.deepEqual(
    [`keel runs list --limit 3 --json, or "keel rollout abort X", or --hard`].flatMap(named).map(wrong),
    [undefined, undefined],
  )
})
