import { milliseconds } from '../../core/duration.ts'
import { AppError, invalidInput } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { parseTime } from './input.ts'

/** What the command line holds for one argument or option; nothing when it was left out. */
export type ParsedValue = string | boolean | string[] | undefined

/** One argument or option as data: what it is called, what it may be, and how its text becomes a value. */
export type Parameter<Value = unknown> = {
  readonly help: string
  /** As in `--limit <number>`; without one it is called as its key. */
  readonly placeholder?: string | undefined
  readonly takes: 'nothing' | 'one' | 'many'
  readonly required: boolean
  /** All that it may be. */
  readonly words?: readonly string[]
  /** What it is when it was left out. */
  readonly standard?: string
  /** `name` is how people write it, for messages. */
  read(given: ParsedValue, name: string): Value
}

/** Arguments in their order, or options; `dryRun` is typed as `--dry-run`. */
export type ParameterSet = Readonly<Record<string, Parameter>>
export type Values<P extends ParameterSet> = { [Key in keyof P]: ReturnType<P[Key]['read']> }

export function text(help: string, placeholder = 'text'): Parameter<string | undefined> {
  return single(help, placeholder, (given) => given)
}

/** It may be given several times, and may be followed by several. */
export function texts(help: string, placeholder: string): Parameter<string[]> {
  return {
    help,
    placeholder,
    takes: 'many',
    required: false,
    read: (given) => (Array.isArray(given) ? given : typeof given === 'string' ? [given] : []),
  }
}

export function flag(help: string): Parameter<boolean> {
  return { help, takes: 'nothing', required: false, read: (given) => given === true }
}

export function amount(help: string, placeholder = 'number'): Parameter<number | undefined> {
  return single(help, placeholder, (given, name) => {
    const value = Number(given)
    if (given.trim() !== '' && Number.isFinite(value)) return value
    throw invalidInput(`${name} must be a number, not "${given}".`, { name })
  })
}

export function count(help: string, placeholder = 'number'): Parameter<number | undefined> {
  return single(help, placeholder, (given, name) => {
    if (/^[0-9]+$/.test(given) && Number.isSafeInteger(Number(given))) return Number(given)
    throw invalidInput(`${name} must be a whole number, not "${given}".`, { name })
  })
}

/** ISO 8601 in UTC, whatever part of it was written. */
export function time(help: string): Parameter<string | undefined> {
  return single(help, 'time', parseTime)
}

/** A text such as 2h or 7d. */
export function duration(help: string, placeholder = 'duration'): Parameter<string | undefined> {
  return single(help, placeholder, (given) => {
    milliseconds(given)
    return given
  })
}

/** One of the words of a shape in the contract, or of a list. */
export function oneOf<const Word extends string>(
  allowed: readonly Word[] | { readonly enum: readonly Word[] },
  help: string,
  placeholder?: string,
): Parameter<Word | undefined> {
  const words = 'enum' in allowed ? allowed.enum : allowed
  const understand = (given: string, name: string) => {
    const word = words.find((one) => one === given)
    if (word !== undefined) return word
    const near = didYouMean(given, words)
    throw invalidInput(`${name} cannot be "${given}".`, {
      name,
      hint: `${near === undefined ? '' : `${near} `}Use ${listed(words)}.`,
    })
  }
  return { ...single(help, placeholder, understand), words }
}

export function required<Value>(parameter: Parameter<Value>): Parameter<NonNullable<Value>> {
  return {
    ...parameter,
    required: true,
    read(given, name) {
      const value = parameter.read(given, name)
      if (value === undefined || value === null) throw new AppError('usage', `${name} is missing.`, { name })
      return value
    },
  }
}

export function withDefault<Value extends string | number>(
  parameter: Parameter<Value | undefined>,
  standard: Value,
): Parameter<Value> {
  return {
    ...parameter,
    standard: String(standard),
    read: (given, name) => parameter.read(given, name) ?? standard,
  }
}

/** An argument that must be there. */
export function argument(placeholder?: string): Parameter<string> {
  return required(single('', placeholder, (given) => given))
}

export function optionalArgument(placeholder?: string): Parameter<string | undefined> {
  return single('', placeholder, (given) => given)
}

/** Its sentence, with all that it may be and what it is when it is left out. */
export function helpOf({ help, words, standard }: Parameter): string {
  const parts = [help, ...(words ? [listed(words)] : [])].filter((part) => part !== '')
  return `${parts.join(': ')}${standard === undefined ? '' : ` (default ${standard})`}`
}

/** `--dry-run`, `--limit <number>`, `--event <event...>` */
export function optionFlags(key: string, { takes, placeholder }: Parameter): string {
  const name = kebab(key)
  return takes === 'nothing' ? `--${name}` : `--${name} <${placeholder ?? name}${takes === 'many' ? '...' : ''}>`
}

/** `<model>`, `[fields...]` */
export function argumentForm(key: string, { takes, placeholder, required }: Parameter): string {
  const name = `${placeholder ?? kebab(key)}${takes === 'many' ? '...' : ''}`
  return required ? `<${name}>` : `[${name}]`
}

export function optionName(key: string): string {
  return `--${kebab(key)}`
}

export function valuesOf<P extends ParameterSet>(
  parameters: P,
  given: Readonly<Record<string, ParsedValue>>,
  nameOf: (key: string, parameter: Parameter) => string,
): Values<P> {
  const entries = Object.entries(parameters).map(([key, parameter]) => [
    key,
    parameter.read(given[key], nameOf(key, parameter)),
  ])
  return Object.fromEntries(entries) as Values<P>
}

function single<Value>(
  help: string,
  placeholder: string | undefined,
  understand: (given: string, name: string) => Value,
): Parameter<Value | undefined> {
  return {
    help,
    placeholder,
    takes: 'one',
    required: false,
    read: (given, name) => (typeof given === 'string' ? understand(given, name) : undefined),
  }
}

const kebab = (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
