import { elementAt } from './element-at.ts'
import { createRandom } from './random.ts'
import { ascending } from './summary.ts'

type Vectors = readonly (readonly number[])[]

const maxSample = 300

/**
 * Squared maximum mean discrepancy of two samples of vectors, unbiased (so about 0, also below, when they are alike),
 * with the Gaussian kernel of width the median distance between the samples, and its permutation p-value. At most 300
 * vectors of a side, evenly spread. NaN with fewer than two vectors of a side.
 * Source: Gretton et al., J. Mach. Learn. Res. 13 (2012).
 */
export function mmd(
  reference: Vectors,
  current: Vectors,
  { permutations = 200, seed = 1 } = {},
): { value: number; p: number } {
  const [first, second] = [spread(reference), spread(current)]
  const [n, m] = [first.length, second.length]
  if (Math.min(n, m) < 2) return { value: Number.NaN, p: Number.NaN }
  const all = [...first, ...second]
  const size = n + m
  const distances = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const squared = squaredDistance(elementAt(all, i), elementAt(all, j))
      distances[i * size + j] = squared
      distances[j * size + i] = squared
    }
  }
  const cross: number[] = []
  for (let i = 0; i < n; i++) for (let j = n; j < size; j++) cross.push(Math.sqrt(elementAt(distances, i * size + j)))
  const width = ascending(cross)[cross.length >> 1] ?? 0
  const gamma = width > 0 ? 1 / (width * width) : 1
  const kernel = distances.map((squared) => Math.exp(-gamma * squared))
  const order = Array.from({ length: size }, (_, index) => index)
  const value = discrepancy(kernel, order, n)
  const random = createRandom(seed)
  let asFar = 0
  for (let round = 0; round < permutations; round++) {
    for (let index = size - 1; index > 0; index--) {
      const other = Math.floor(random() * (index + 1))
      const held = elementAt(order, index)
      order[index] = elementAt(order, other)
      order[other] = held
    }
    if (discrepancy(kernel, order, n) >= value) asFar += 1
  }
  return { value, p: (1 + asFar) / (1 + permutations) }
}

function spread(vectors: Vectors): Vectors {
  if (vectors.length <= maxSample) return vectors
  const step = vectors.length / maxSample
  return Array.from({ length: maxSample }, (_, index) => elementAt(vectors, Math.floor(index * step)))
}

function squaredDistance(a: readonly number[], b: readonly number[]): number {
  let total = 0
  for (const [index, value] of a.entries()) total += (value - (b[index] ?? 0)) ** 2
  return total
}

/** Mean kernel within each sample, the diagonal left out, minus twice the mean between them. */
function discrepancy(kernel: Float64Array, order: readonly number[], n: number): number {
  const size = order.length
  const m = size - n
  let [within, between, other] = [0, 0, 0]
  for (let i = 0; i < size; i++) {
    const row = elementAt(order, i) * size
    for (let j = 0; j < i; j++) {
      const value = kernel[row + elementAt(order, j)] ?? 0
      if (i < n) within += value
      else if (j < n) between += value
      else other += value
    }
  }
  return (2 * within) / (n * (n - 1)) + (2 * other) / (m * (m - 1)) - (2 * between) / (n * m)
}
