import { closest, distance } from 'fastest-levenshtein'

/** A "Did you mean" sentence, or nothing when no known name is near. */
export function didYouMean(given: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined
  const candidate = closest(given, known)
  return distance(given, candidate) <= Math.max(2, Math.floor(given.length / 3))
    ? `Did you mean "${candidate}"?`
    : undefined
}
