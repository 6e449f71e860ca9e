import { elementAt } from './element-at.ts'

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI)
const TINY = 1e-300
const MOST_TERMS = 1_000_000

/** Normal distribution function P(Z <= z); relative accuracy about 1e-13 in the lower tail too. */
export function normalCdf(z: number): number {
  const tail = 0.5 * gammaQ(0.5, (z * z) / 2)
  return z < 0 ? tail : 1 - tail
}

/** Normal quantile for p in [0, 1] (-Infinity at 0); Abramowitz & Stegun 26.2.23 polished by Halley steps. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN
  if (p > 0.5) return -normalQuantile(1 - p)
  if (p === 0) return Number.NEGATIVE_INFINITY
  if (p === 0.5) return 0
  const t = Math.sqrt(-2 * Math.log(p))
  let z = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
  for (let step = 0; step < 3; step++) {
    const error = (normalCdf(z) - p) * Math.exp((z * z) / 2 + HALF_LOG_TWO_PI)
    z -= error / (1 + (z * error) / 2)
  }
  return z
}

/** Error function, range [-1, 1]. */
export function erf(x: number): number {
  return x < 0 ? -gammaP(0.5, x * x) : gammaP(0.5, x * x)
}

/** Regularised lower incomplete gamma P(a, x), a > 0, x >= 0: series below a + 1, Lentz's continued fraction above. */
export function gammaP(a: number, x: number): number {
  if (!(a > 0) || Number.isNaN(x)) return Number.NaN
  if (x <= 0) return 0
  return x < a + 1 ? gammaSeries(a, x) : 1 - gammaFraction(a, x)
}

/** Regularised upper incomplete gamma Q(a, x) = 1 - P(a, x), without the loss of digits of that subtraction. */
export function gammaQ(a: number, x: number): number {
  if (!(a > 0) || Number.isNaN(x)) return Number.NaN
  if (x <= 0) return 1
  return x < a + 1 ? 1 - gammaSeries(a, x) : gammaFraction(a, x)
}

/** P(X >= x) for a chi-square variable with `df` degrees of freedom. */
export function chiSquareSurvival(x: number, df: number): number {
  return gammaQ(df / 2, x / 2)
}

/** The x with P(X <= x) = p for a chi-square variable with `df` degrees of freedom. */
export function chiSquareQuantile(p: number, df: number): number {
  if (!(p >= 0 && p <= 1) || !(df > 0)) return Number.NaN
  if (p === 1) return Number.POSITIVE_INFINITY
  // Above the median the survival function keeps the digits that 1 - p has.
  const below = p < 0.5 ? (x: number) => gammaP(df / 2, x / 2) < p : (x: number) => gammaQ(df / 2, x / 2) > 1 - p
  return firstNotBelow(below, df)
}

/** Beta distribution function: the regularised incomplete beta I_x(a, b), x in [0, 1], a and b > 0. */
export function betaCdf(x: number, a: number, b: number): number {
  if (!(a > 0 && b > 0) || Number.isNaN(x)) return Number.NaN
  if (x <= 0) return 0
  if (x >= 1) return 1
  return incompleteBeta(x, 1 - x, a, b)
}

/** The x with betaCdf(x, a, b) = p. */
export function betaQuantile(p: number, a: number, b: number): number {
  if (!(p >= 0 && p <= 1) || !(a > 0 && b > 0)) return Number.NaN
  if (p === 0 || p === 1) return p
  return bisect((x) => betaCdf(x, a, b) < p, 0, 1)
}

/** Student's t distribution function P(T <= t) with `df` > 0 degrees of freedom. */
export function studentTCdf(t: number, df: number): number {
  if (!(df > 0) || Number.isNaN(t)) return Number.NaN
  if (t === 0) return 0.5
  if (!Number.isFinite(t)) return t > 0 ? 1 : 0
  const square = t * t
  const tail = 0.5 * incompleteBeta(df / (df + square), square / (df + square), df / 2, 0.5)
  return t < 0 ? tail : 1 - tail
}

/** The t with studentTCdf(t, df) = p. */
export function studentTQuantile(p: number, df: number): number {
  if (!(p >= 0 && p <= 1) || !(df > 0)) return Number.NaN
  if (p < 0.5) return -studentTQuantile(1 - p, df)
  if (p === 0.5) return 0
  if (p === 1) return Number.POSITIVE_INFINITY
  return firstNotBelow((t) => studentTCdf(-t, df) > 1 - p, 1)
}

/** C(n, k) p^k (1-p)^(n-k) for real 0 <= k <= n, by Loader's saddle-point form: no loss of digits for large n. */
export function binomialDensity(k: number, n: number, p: number): number {
  return binomialKernel(k, n, p, 1 - p)
}

/** Natural logarithm of the gamma function for x > 0 (Lanczos, g = 7, nine terms). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const shifted = x - 1
  const base = shifted + 7.5
  let series = elementAt(LANCZOS, 0)
  for (let i = 1; i < LANCZOS.length; i++) series += elementAt(LANCZOS, i) / (shifted + i)
  return HALF_LOG_TWO_PI + (shifted + 0.5) * Math.log(base) - base + Math.log(series)
}

const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 0.000009984369578019572, 1.5056327351493116e-7,
] as const

function gammaSeries(a: number, x: number): number {
  let term = 1
  let total = 1
  for (let k = 1; k < MOST_TERMS; k++) {
    term *= x / (a + k)
    total += term
    if (term < total * 1e-17) return total * poissonKernel(a, x)
  }
  throw new RangeError(`The incomplete gamma series does not converge at a = ${a}, x = ${x}`)
}

function gammaFraction(a: number, x: number): number {
  if (x === Number.POSITIVE_INFINITY) return 0
  let b = x + 1 - a
  let c = 1 / TINY
  let d = 1 / b
  let fraction = d
  for (let k = 1; k < MOST_TERMS; k++) {
    const numerator = -k * (k - a)
    b += 2
    d = 1 / notZero(numerator * d + b)
    c = notZero(b + numerator / c)
    fraction *= d * c
    if (Math.abs(d * c - 1) < 1e-16) return fraction * a * poissonKernel(a, x)
  }
  throw new RangeError(`The incomplete gamma fraction does not converge at a = ${a}, x = ${x}`)
}

/** I_x(a, b) with y = 1 - x given apart, so that neither of two unequal parts loses its digits. */
function incompleteBeta(x: number, y: number, a: number, b: number): number {
  const front = (a * b * binomialKernel(a, a + b, x, y)) / (a + b)
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(y, b, a)) / b
}

function betaFraction(x: number, a: number, b: number): number {
  let c = 1
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  const step = (numerator: number) => {
    d = 1 / notZero(1 + numerator * d)
    c = notZero(1 + numerator / c)
    fraction *= d * c
  }
  for (let k = 1; k < MOST_TERMS; k++) {
    const even = a + 2 * k
    step((k * (b - k) * x) / ((even - 1) * even))
    step((-(a + k) * (a + b + k) * x) / (even * (even + 1)))
    if (Math.abs(d * c - 1) < 1e-16) return fraction
  }
  throw new RangeError(`The incomplete beta fraction does not converge at x = ${x}, a = ${a}, b = ${b}`)
}

function notZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}

/** x^a e^-x / Gamma(a + 1). */
function poissonKernel(a: number, x: number): number {
  return Math.exp(-stirlingError(a) - deviance(a, x)) / Math.sqrt(2 * Math.PI * a)
}

function binomialKernel(k: number, n: number, p: number, q: number): number {
  if (k === 0) return p === 1 ? Number(n === 0) : Math.exp(n * logOfOther(q, p))
  if (k === n) return q === 1 ? 0 : Math.exp(n * logOfOther(p, q))
  if (p === 0 || q === 0) return 0
  const exponent =
    stirlingError(n) - stirlingError(k) - stirlingError(n - k) - deviance(k, n * p) - deviance(n - k, n * q)
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * (n - k)))
}

/** ln(value), through its complement when that is the small one. */
function logOfOther(value: number, complement: number): number {
  return complement < 0.5 ? Math.log1p(-complement) : Math.log(value)
}

/** ln(Gamma(n + 1)) minus Stirling's formula, which is what remains of it after the large terms cancel. */
function stirlingError(n: number): number {
  if (n < 16) return logGamma(n + 1) - (n + 0.5) * Math.log(n) + n - HALF_LOG_TWO_PI
  const square = n * n
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n
}

/** x ln(x / m) + m - x, by a series when x and m are close and the direct form would cancel. */
function deviance(x: number, m: number): number {
  const difference = x - m
  if (Math.abs(difference) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x
  const v = difference / (x + m)
  let total = difference * v
  let term = 2 * x * v
  for (let k = 3; k < 1000; k += 2) {
    term *= v * v
    const next = total + term / k
    if (next === total) break
    total = next
  }
  return total
}

/** The smallest double at which `below` is false, looking upwards from 0 and doubling `guess` as needed. */
function firstNotBelow(below: (x: number) => boolean, guess: number): number {
  let high = guess
  while (below(high) && Number.isFinite(high)) high *= 2
  return bisect(below, 0, high)
}

function bisect(below: (x: number) => boolean, from: number, to: number): number {
  let low = from
  let high = to
  for (;;) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high) return high
    if (below(middle)) low = middle
    else high = middle
  }
}
