import { invalidInput } from '../../core/errors.ts'
import type { Definition } from './rules.ts'

/** `KEEL_PARAM_TRAINING_END` for the param `training_end`. */
export function environmentName(prefix: string, name: string): string {
  return `${prefix}_${name.replaceAll(/[^A-Za-z0-9]/g, '_').toUpperCase()}`
}

/** Every param and step is a variable of its own, and a step's own variables leave those alone that are given to it. */
export function checkVariables({ pipeline, params = {}, steps }: Definition): void {
  apart('params', 'KEEL_PARAM', Object.keys(params))
  const names = steps.map(({ name }) => name)
  apart('steps', 'KEEL_IN', names)
  for (const { name, env = {} } of steps) {
    for (const [variable, value] of Object.entries(env)) {
      const why = whyNot(variable, value)
      if (why === undefined) continue
      throw invalidInput(`The step "${name}" of "${pipeline}" sets "${variable}" in env: ${why}.`, {
        name: variable,
        hint: 'Choose another name, or set it within the command.',
      })
    }
  }
}

function whyNot(variable: string, value: string): string | undefined {
  if (/^keel_/i.test(variable)) return 'names that begin with KEEL_ are given by the server'
  if (variable.toUpperCase() === 'PATH') return 'PATH is given by the server'
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) return 'it is not the name of a variable'
  return value.includes('\u0000') ? 'its value holds a NUL character' : undefined
}

function apart(what: string, prefix: string, names: string[]): void {
  const first = new Map<string, string>()
  for (const name of names) {
    const variable = environmentName(prefix, name)
    const other = first.get(variable)
    if (other !== undefined && other !== name)
      throw invalidInput(`The ${what} "${other}" and "${name}" would both be the variable ${variable}.`, {
        name,
        hint: 'Rename one of them: only letters without accents and digits tell variables apart.',
      })
    first.set(variable, name)
  }
}
