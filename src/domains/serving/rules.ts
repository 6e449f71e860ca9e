import { invalidInput } from '../../core/errors.ts'
import { hashUnit } from '../../core/stats/random.ts'
import { expectedLabel, type Label, readLabel } from '../evaluation/evaluation.ts'
import { markOfValue, type OutputKind, shownValue } from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'

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

export type { OutputKind }

/** A probability is a number from 0 to 1, a class or a text may be words, and any number must be finite. */
export function isValid(output: unknown, kind: OutputKind | undefined): output is number | string {
  return markOfValue(output, kind) === undefined
}

type Serves = ModelSpec['serves']

/** The label as its kind of answers has them. One that cannot be would spoil the numbers of its whole window. */
export function labelFor(id: string, value: unknown, serves: Serves | undefined): Label {
  const kind = serves?.output
  const label = readLabel(value, kind ?? 'regression')
  if (typeof label === 'string' && kind === 'text' && serves?.log?.content !== true)
    throw invalidInput(`The label of ${shownValue(id)} is a text, and the log keeps no text to hold against it.`, {
      name: id,
      hint: 'Set "serves.log.content: true" in the spec, or send a score from 0 to 1.',
    })
  if (label !== undefined) return label
  const because = kind === undefined ? '' : `, because its endpoint answers with ${kinds[kind]}`
  throw invalidInput(
    `The label of ${shownValue(id)} must be ${expectedLabel(kind ?? 'regression')}${because}, not ${shownValue(value)}.`,
    { name: id },
  )
}

const kinds: Record<OutputKind, string> = {
  binary: 'the probability of a yes or no (output: binary)',
  regression: 'a quantity (output: regression)',
  multiclass: 'a class (output: multiclass)',
  ranking: 'a ranking (output: ranking)',
  text: 'a text (output: text)',
}
