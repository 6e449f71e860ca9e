import { invalidInput } from '../../core/errors.ts'
import { hashUnit } from '../../core/stats/random.ts'
import { didYouMean } from '../../core/suggest.ts'

type Field = { name: string; type: 'number' | 'string' }

/** Same unit, same arm; a growing share only moves units into the canary, never back. */
export function inCanary(unit: string, canary: { share: number; salt: string }): boolean {
  return hashUnit(`${canary.salt}/${unit}`) < canary.share
}

/** Refuses what the model could not read: unknown fields, missing ones, wrong types. */
export function checkInputs(inputs: Record<string, unknown>, needed: Field[], known: Field[]): void {
  const names = known.map(({ name }) => name)
  for (const name of Object.keys(inputs)) {
    if (names.length > 0 && !names.includes(name)) {
      throw invalidInput(`The input "${name}" is not known.`, {
        name,
        hint: didYouMean(name, names) ?? `Known inputs: ${names.join(', ')}.`,
      })
    }
  }
  for (const { name, type } of needed) {
    const value = inputs[name]
    if (value === undefined || value === null) throw invalidInput(`The input "${name}" is missing.`, { name })
    if (typeof value !== type)
      throw invalidInput(`The input "${name}" must be a ${type}, not ${JSON.stringify(value)}.`, { name })
  }
}

/** A probability is a number from 0 to 1; any other answer must at least be finite. */
export function isValid(output: unknown, binary: boolean): output is number | string {
  if (typeof output === 'string') return !binary
  return typeof output === 'number' && Number.isFinite(output) && (!binary || (output >= 0 && output <= 1))
}

const unitMilliseconds = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export function milliseconds(duration: string): number {
  return Number(duration.slice(0, -1)) * unitMilliseconds[duration.at(-1) as keyof typeof unitMilliseconds]
}
