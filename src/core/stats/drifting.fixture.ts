/** Uniform numbers of a linear congruential generator modulo 2^31, so that any language can repeat them. */
function congruential(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(1103515245, state) + 12345) & 0x7fffffff
    return state / 2 ** 31
  }
}

function sample(n: number, center: number, spread: number, seeds: readonly number[]): number[] {
  const parts = seeds.map(congruential)
  return Array.from({ length: n }, () => center + spread * (parts.reduce((total, part) => total + part(), 0) - 1.5))
}

/** 500 values around 10 and 400 around 10.6 that spread a little more. */
export const reference = sample(500, 10, 3, [42, 7, 99])
export const current = sample(400, 10.6, 3.3, [5, 11, 13])
