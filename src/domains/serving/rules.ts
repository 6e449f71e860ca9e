import { invalidInput } from '../../core/errors.ts'
import { hashUnit } from '../../core/stats/random.ts'
import { markOfValue, shownValue } from '../registry/registry.ts'

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

/** Numbers and texts as they were given, yes and no as 1 and 0; all else is null. */
export function plainRow(inputs: Record<string, unknown>): Record<string, number | string | null> {
  const row: Record<string, number | string | null> = {}
  for (const name of Object.keys(inputs)) {
    const given = inputs[name]
    const value = typeof given === 'boolean' ? Number(given) : given
    row[name] = typeof value === 'number' || typeof value === 'string' ? value : null
  }
  return row
}

export type OutputKind = 'binary' | 'regression' | 'multiclass' | 'ranking' | 'text'

/** A probability is a number from 0 to 1, a class or a text may be words, and any number must be finite. */
export function isValid(output: unknown, kind: OutputKind | undefined): output is number | string {
  return markOfValue(output, kind) === undefined
}

/** One outcome that cannot be would spoil the bias of its whole window. */
export function checkLabel(id: string, value: number, kind: OutputKind | undefined): void {
  const wrong = (what: string) =>
    invalidInput(`The label of ${shownValue(id)} ${what}, not ${shownValue(value)}.`, { name: id })
  if (!Number.isFinite(value)) throw wrong('must be a finite number')
  if (kind === 'binary' && value !== 0 && value !== 1) throw wrong('must be 0 or 1, because its endpoint is binary')
}
