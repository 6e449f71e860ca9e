import { binomialDensity } from './distributions.ts'
import { elementAt } from './element-at.ts'
import { ascending } from './summary.ts'

/** Largest distance between the two empirical distribution functions, 0 … 1; NaN when a sample is empty. */
export function ksStatistic(reference: readonly number[], current: readonly number[]): number {
  const [first, second] = [ascending(reference), ascending(current)]
  if (first.length === 0 || second.length === 0) return Number.NaN
  let [i, j, largest] = [0, 0, 0]
  while (i < first.length && j < second.length) {
    const value = Math.min(elementAt(first, i), elementAt(second, j))
    if (Number.isNaN(value)) throw new RangeError('A sample with missing values has no distribution function')
    while (i < first.length && elementAt(first, i) <= value) i += 1
    while (j < second.length && elementAt(second, j) <= value) j += 1
    largest = Math.max(largest, Math.abs(i / first.length - j / second.length))
  }
  return largest
}

/**
 * Exact two-sided p-value of a two-sample statistic without ties: the share of lattice paths from (0, 0) to (n, m) that
 * stray from the diagonal by `statistic` or more. Takes n times m steps.
 * Source: the recursion of Hodges, Arkiv för Matematik 3 (1958), on chances of the last step, which add only positives.
 */
export function ksExactP(statistic: number, n: number, m: number): number {
  // In units of 1 / (n m) the distance is a whole number, and rounding of the statistic cannot matter.
  const limit = Math.ceil(statistic * n * m - 1e-7)
  if (limit <= 0) return 1
  const strayed = new Float64Array(m + 1)
  for (let j = 1; j <= m; j++) strayed[j] = j * n >= limit ? 1 : 0
  for (let i = 1; i <= n; i++) {
    if (i * m >= limit) strayed[0] = 1
    let before = strayed[0] ?? 0
    for (let j = 1; j <= m; j++) {
      before = Math.abs(i * m - j * n) >= limit ? 1 : (i * (strayed[j] ?? 0) + j * before) / (i + j)
      strayed[j] = before
    }
  }
  return strayed[m] ?? Number.NaN
}

/**
 * Two-sided p-value for large samples: the one-sample distribution at the effective size n m / (n + m), rounded (what
 * scipy calls `asymp`).
 */
export function ksAsymptoticP(statistic: number, n: number, m: number): number {
  return kolmogorovSurvival(statistic, Math.round((n * m) / (n + m)))
}

/** As Evidently 0.7: exact up to 10,000 values in the larger sample, for large samples above. */
export function ksTest(reference: readonly number[], current: readonly number[]): { statistic: number; p: number } {
  const [n, m] = [reference.length, current.length]
  const statistic = ksStatistic(reference, current)
  if (Number.isNaN(statistic)) return { statistic, p: Number.NaN }
  return { statistic, p: Math.max(n, m) <= 10_000 ? ksExactP(statistic, n, m) : ksAsymptoticP(statistic, n, m) }
}

/** Size above which the matrix of the exact distribution takes too long. */
const exactUpTo = 1_000

/**
 * P(D >= d) of the one-sample two-sided statistic of n values. In the tail twice the one-sided chance (relative error
 * below 1e-10 there); else exact up to 1,000 values, and above by the limit with two correction terms (relative error about 1e-5).
 * Sources: Birnbaum and Tingey 1951; Marsaglia, Tsang, Wang, J. Stat. Softw. 8 (2003); Vrbik, Pioneer J. 2018.
 */
export function kolmogorovSurvival(d: number, n: number): number {
  if (d <= 1 / (2 * n)) return 1
  if (d >= 1) return 0
  if (n * d * d >= 3.5) return Math.min(1, 2 * oneSidedSurvival(d, n))
  if (n <= exactUpTo) return 1 - durbinMatrix(d, n)
  return kolmogorovLimit(d, n)
}

/** The same tail by the limit with two correction terms, at once for any size: for counts in bins, which need no more digits. */
export function kolmogorovLimit(d: number, n: number): number {
  const z = d * Math.sqrt(n)
  return limitSurvival(z + 1 / (6 * Math.sqrt(n)) + (z - 1) / (4 * n))
}

function oneSidedSurvival(d: number, n: number): number {
  let total = 0
  for (let j = 0; j <= n * (1 - d); j++) {
    const chance = d + j / n
    total += binomialDensity(j, n, Math.min(1, chance)) / chance
  }
  return d * total
}

/** Kolmogorov's limit of P(sqrt(n) D >= z). */
function limitSurvival(z: number): number {
  let total = 0
  for (let k = 1; k <= 100; k++) total += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * z * z)
  return Math.min(1, Math.max(0, 2 * total))
}

/** P(D < d), exactly, as the middle element of the n-th power of a matrix of size about 2 n d. */
function durbinMatrix(d: number, n: number): number {
  const k = Math.ceil(n * d)
  const h = k - n * d
  const size = 2 * k - 1
  const at = (row: number, column: number) => row * size + column
  const matrix = new Float64Array(size * size)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= Math.min(size - 1, row + 1); column++) matrix[at(row, column)] = 1
  }
  const adjust = (row: number, column: number, change: number) => {
    matrix[at(row, column)] = (matrix[at(row, column)] ?? 0) + change
  }
  for (let row = 0; row < size; row++) {
    adjust(row, 0, -(h ** (row + 1)))
    adjust(size - 1, row, -(h ** (size - row)))
  }
  adjust(size - 1, 0, h > 0.5 ? (2 * h - 1) ** size : 0)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      for (let factor = 1; factor <= row - column + 1; factor++) {
        matrix[at(row, column)] = (matrix[at(row, column)] ?? 0) / factor
      }
    }
  }
  const power = powerOf(matrix, size, n)
  let chance = power.values[at(k - 1, k - 1)] ?? Number.NaN
  let exponent = power.exponent
  for (let i = 1; i <= n; i++) {
    chance = (chance * i) / n
    if (chance < 1e-140) {
      chance *= 1e140
      exponent -= 140
    }
  }
  return chance * 10 ** exponent
}

type ScaledVector = { values: Float64Array; exponent: number }

function powerOf(matrix: Float64Array, size: number, n: number): ScaledVector {
  if (n === 1) return { values: matrix, exponent: 0 }
  const half = powerOf(matrix, size, Math.floor(n / 2))
  const square = product(half.values, half.values, size)
  const values = n % 2 === 0 ? square : product(matrix, square, size)
  const exponent = 2 * half.exponent
  const middle = values[((size - 1) / 2) * size + (size - 1) / 2] ?? 0
  if (middle <= 1e140) return { values, exponent }
  return { values: values.map((value) => value * 1e-140), exponent: exponent + 140 }
}

function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size)
  for (let row = 0; row < size; row++) {
    for (let inner = 0; inner < size; inner++) {
      const factor = a[row * size + inner] ?? 0
      if (factor === 0) continue
      for (let column = 0; column < size; column++) {
        const cell = row * size + column
        result[cell] = (result[cell] ?? 0) + factor * (b[inner * size + column] ?? 0)
      }
    }
  }
  return result
}
