import { invalidInput } from '../../core/errors.ts'
import { hashUnit } from '../../core/stats/random.ts'
import { didYouMean } from '../../core/suggest.ts'

export type Field = {
  name: string
  type: 'number' | 'string'
  integer?: boolean | undefined
  minimum?: number | undefined
  maximum?: number | undefined
  values?: string[] | undefined
}

/**
 * Who is asked for a unit: the canary has those whose hash is below its share, and a growing share only moves units into it,
 * never back. The control is as large, from the other end of the same line, and grows with it: a unit changes from one to the
 * other only when the canary passes one half.
 */
export function armOf(unit: string, { share, salt }: { share: number; salt: string }): 'canary' | 'control' | 'other' {
  const position = hashUnit(`${salt}/${unit}`)
  if (position < share) return 'canary'
  return position >= 1 - Math.min(share, 1 - share) ? 'control' : 'other'
}

export function inCanary(unit: string, canary: { share: number; salt: string }): boolean {
  return armOf(unit, canary) === 'canary'
}

/** Numbers and texts as they were given; all else is null. */
export function plainRow(
  inputs: Record<string, unknown>,
  names: readonly string[] = Object.keys(inputs),
): Record<string, number | string | null> {
  const row: Record<string, number | string | null> = {}
  for (const name of names) {
    const value = inputs[name]
    row[name] = typeof value === 'number' || typeof value === 'string' ? value : null
  }
  return row
}

/** Refuses what the model could not read: unknown fields, missing ones, wrong types, values out of range. */
export function checkInputs(inputs: Record<string, unknown>, needed: Field[], known: ReadonlySet<string>): void {
  if (known.size > 0) {
    for (const name of Object.keys(inputs)) {
      if (!known.has(name)) {
        const hint = didYouMean(name, [...known]) ?? `Known inputs: ${[...known].join(', ')}.`
        throw invalidInput(`The input ${shown(name)} is not known.`, { name: name.slice(0, maxShownLength), hint })
      }
    }
  }
  for (const field of needed) checkValue(field, inputs[field.name])
}

function checkValue({ name, type, integer, minimum, maximum, values }: Field, value: unknown): void {
  if (value === undefined || value === null) throw invalidInput(`The input "${name}" is missing.`, { name })
  const wrong = (wanted: string) =>
    invalidInput(`The input "${name}" must be ${wanted}, not ${shown(value)}.`, { name })
  if (typeof value !== type) throw wrong(`a ${type}`)
  if (type === 'number' && !Number.isFinite(value)) throw wrong('a finite number')
  if (integer === true && !Number.isInteger(value)) throw wrong('a whole number')
  if (minimum !== undefined && Number(value) < minimum) throw wrong(`at least ${minimum}`)
  if (maximum !== undefined && Number(value) > maximum) throw wrong(`at most ${maximum}`)
  if (values && !values.includes(String(value))) {
    const hint = didYouMean(String(value), values) ?? `It can be ${values.slice(0, 20).join(', ')}.`
    throw invalidInput(`The input "${name}" cannot be ${shown(value)}.`, { name, hint })
  }
}

const maxShownLength = 100

function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value)
  return text.length > maxShownLength ? `${text.slice(0, maxShownLength)}…` : text
}

export type OutputKind = 'binary' | 'regression' | 'multiclass' | 'ranking' | 'text'

/** A probability is a number from 0 to 1, a class or a text may be words, and any number must be finite. */
export function isValid(output: unknown, kind: OutputKind | undefined): output is number | string {
  if (typeof output === 'string') return kind === undefined || kind === 'multiclass' || kind === 'text'
  if (typeof output !== 'number' || !Number.isFinite(output) || kind === 'text') return false
  return kind !== 'binary' || (output >= 0 && output <= 1)
}

/** One outcome that cannot be would spoil the bias of its whole window. */
export function checkLabel(id: string, value: number, kind: OutputKind | undefined): void {
  const wrong = (what: string) => invalidInput(`The label of ${shown(id)} ${what}, not ${shown(value)}.`, { name: id })
  if (!Number.isFinite(value)) throw wrong('must be a finite number')
  if (kind === 'binary' && value !== 0 && value !== 1) throw wrong('must be 0 or 1, because its endpoint is binary')
}
