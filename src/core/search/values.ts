import { invalidInput } from '../errors.ts'
import type { Comparison, TextOperator } from '../search-terms.ts'
import type { Clause } from './language.ts'

const numeric = new Set<string>(['=', '!=', '<', '<=', '>', '>='])
const textual = new Set<string>(['=', '!=', 'like', 'ilike', 'in', 'not in', 'is null', 'is not null'])

/** A clause that compares numbers; a number in quotes is one too. */
export function number({ key, operator, value }: Clause): { operator: Comparison; value: number } {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (!numeric.has(operator)) throw invalidInput(`Invalid comparator '${operator}' for '${key}': it compares numbers.`)
  if (typeof parsed !== 'number' || Number.isNaN(parsed))
    throw invalidInput(`Expected numeric value type for '${key}'. Found ${JSON.stringify(value)}.`)
  return { operator: operator as Comparison, value: parsed }
}

/** A clause that compares texts, or asks whether there is one. */
export function words({ key, operator, value }: Clause): { operator: TextOperator; value: string | string[] } {
  if (!textual.has(operator)) throw invalidInput(`Invalid comparator '${operator}' for '${key}': it compares texts.`)
  const list = Array.isArray(value) ? value : [value]
  if (list.some((item) => typeof item === 'number'))
    throw invalidInput(`Expected a quoted string value for '${key}'. Found ${JSON.stringify(value)}.`)
  return { operator: operator as TextOperator, value: Array.isArray(value) ? value.map(String) : String(value) }
}
