import { invalidInput } from '../../../core/errors.ts'
import type { Scorer } from '../../registry/spec/spec.ts'

export function requireField<Key extends keyof Scorer>(scorer: Scorer, key: Key): NonNullable<Scorer[Key]> {
  const value = scorer[key]
  if (value !== undefined) return value
  throw invalidInput(`The scorer "${scorer.name}" of the kind ${scorer.kind} needs "${key}".`, { name: scorer.name })
}
