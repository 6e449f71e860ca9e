import assert from 'node:assert/strict'

/** Fails unless the two agree to a relative error of `tolerance`; infinities and NaN must agree exactly. */
export function closeTo(actual: number, expected: number, tolerance = 1e-9): void {
  const allowed = tolerance * Math.abs(expected)
  const agree = Object.is(actual, expected) || actual === expected || Math.abs(actual - expected) <= allowed
  assert.ok(agree, `${actual} is not within ${tolerance} of ${expected}`)
}

/** Standard normal numbers from uniform ones (Box and Muller). */
export function normalFrom(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
