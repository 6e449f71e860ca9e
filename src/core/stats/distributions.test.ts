import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from './close-to.fixture.ts'
import {
  betaCdf,
  betaQuantile,
  binomialDensity,
  chiSquareQuantile,
  chiSquareSurvival,
  erf,
  gammaP,
  gammaQ,
  logGamma,
  normalCdf,
  normalQuantile,
  studentTCdf,
  studentTQuantile,
} from './distributions.ts'

// Expected values were computed with 40 digits, quantiles in double precision by an independent library.

test('the normal distribution has the tabulated values, far tails included', () => {
  const table: [number, number][] = [
    [-10, 7.619853024160525e-24],
    [-6, 9.86587645037698e-10],
    [-3.3, 0.0004834241423837775],
    [-0.5, 0.3085375387259869],
    [0, 0.5],
    [0.1, 0.539827837277029],
    [1.96, 0.9750021048517795],
    [3, 0.9986501019683699],
  ]
  for (const [z, expected] of table) closeTo(normalCdf(z), expected, 1e-13)
})

test('normal quantiles have the tabulated values', () => {
  const table: [number, number][] = [
    [1e-300, -37.0470962993612],
    [1e-10, -6.361340902404056],
    [0.001, -3.090232306167813],
    [0.05, -1.6448536269514729],
    [0.25, -0.6744897501960817],
    [0.975, 1.959963984540054],
    [0.9999, 3.719016485455709],
  ]
  for (const [p, expected] of table) closeTo(normalQuantile(p), expected, 1e-12)
  assert.equal(normalQuantile(0), Number.NEGATIVE_INFINITY)
  assert.equal(normalQuantile(1), Number.POSITIVE_INFINITY)
  assert.ok(Number.isNaN(normalQuantile(1.1)))
})

test('the error function has the tabulated values and is odd', () => {
  const table: [number, number][] = [
    [0.01, 0.011283415555849618],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [3, 0.9999779095030014],
  ]
  for (const [x, expected] of table) {
    closeTo(erf(x), expected, 1e-13)
    closeTo(erf(-x), -expected, 1e-13)
  }
})

test('the incomplete beta function has the tabulated values', () => {
  const table: [number, number, number, number][] = [
    [0.3, 2, 5, 0.5798249999999999],
    [0.01, 0.5, 0.5, 0.06376856085851985],
    [0.9, 10, 0.7, 0.22825885833928833],
    [0.5, 1000, 1010, 0.5882698275437275],
    [0.001, 1, 9, 0.008964083874125917],
    [0.02, 200, 9800, 0.509119052737121],
    [0.999, 3, 0.2, 0.6685414839010846],
    [0.1, 100_000, 900_000, 0.5003546154275595],
  ]
  for (const [x, a, b, expected] of table) closeTo(betaCdf(x, a, b), expected, 2e-12)
  assert.equal(betaCdf(0, 2, 3), 0)
  assert.equal(betaCdf(1, 2, 3), 1)
  assert.ok(Number.isNaN(betaCdf(0.5, 0, 3)))
})

test('both incomplete gamma functions have the tabulated values', () => {
  const table: [number, number, number, number][] = [
    [0.5, 0.1, 0.345279153981423, 0.654720846018577],
    [3, 2.5, 0.45618688411667047, 0.5438131158833295],
    [10, 20, 0.9950045876916924, 0.004995412308307587],
    [100, 90, 0.15822098918643016, 0.8417790108135699],
    [5000, 5100, 0.9206711189223811, 0.07932888107761897],
    [1e5, 1e5, 0.5004205221103651, 0.4995794778896348],
    [0.5, 40, 1, 3.744097384202899e-19],
  ]
  for (const [a, x, lower, upper] of table) {
    closeTo(gammaP(a, x), lower, 1e-12)
    closeTo(gammaQ(a, x), upper, 1e-12)
  }
  assert.equal(gammaP(2, 0), 0)
  assert.equal(gammaQ(2, Number.POSITIVE_INFINITY), 0)
})

test('the chi-square tail has the published fixtures', () => {
  closeTo(chiSquareSurvival(20.8888888888889, 3), 0.000111020308904378, 1e-12)
  closeTo(chiSquareQuantile(0.95, 11), 19.67513757268249, 1e-12)
  closeTo(chiSquareQuantile(0.001, 1), 0.0000015707971492624921, 1e-12)
  closeTo(chiSquareQuantile(0.999, 100), 149.44925277903886, 1e-12)
  closeTo(chiSquareQuantile(0.5, 0.5), 0.0873476047057468, 1e-12)
})

test("Student's t has the tabulated values", () => {
  const table: [number, number, number][] = [
    [-2, 5, 0.05096973941492918],
    [1.5, 3, 0.8847080673775884],
    [-0.01, 40, 0.4960354984799724],
    [-4, 999, 0.00003400735491901966],
    [-20, 2.5, 0.00039969412225121693],
    [-1e-8, 7, 0.4999999961500855],
    [-1.7, 1e7, 0.044565478307206724],
  ]
  for (const [t, df, expected] of table) closeTo(studentTCdf(t, df), expected, 2e-12)
  closeTo(studentTQuantile(0.95, 9), 1.833112932656237, 1e-12)
  closeTo(studentTQuantile(0.975, 1), 12.706204736174694, 1e-12)
  closeTo(studentTQuantile(0.05, 49), -1.676550892616854, 1e-12)
  closeTo(studentTQuantile(0.999, 3.5), 8.315567604516115, 1e-12)
})

test('beta quantiles have the tabulated values', () => {
  closeTo(betaQuantile(0.05, 2, 13), 0.025999332600867814, 1e-12)
  closeTo(betaQuantile(0.95, 2, 13), 0.29673423894887463, 1e-12)
  closeTo(betaQuantile(0.025, 1, 299), 0.00008467135826945898, 1e-12)
  closeTo(betaQuantile(0.975, 200, 9800), 0.02283352041394119, 1e-12)
})

test('quantiles invert their distribution functions', () => {
  const chance = fc.double({ min: 0.001, max: 0.999, noNaN: true })
  const shape = fc.double({ min: 1, max: 400, noNaN: true })
  fc.assert(
    fc.property(chance, shape, shape, (p, a, b) => {
      closeTo(normalCdf(normalQuantile(p)), p, 1e-11)
      closeTo(betaCdf(betaQuantile(p, a, b), a, b), p, 1e-9)
      closeTo(studentTCdf(studentTQuantile(p, a), a), p, 1e-9)
      closeTo(1 - chiSquareSurvival(chiSquareQuantile(p, a), a), p, 1e-9)
    }),
    { numRuns: 60 },
  )
})

test('binomial chances have the exact values and sum to one', () => {
  closeTo(binomialDensity(0, 10, 0.3), 0.0282475249, 1e-13)
  closeTo(binomialDensity(3, 10, 0.3), 0.266827932, 1e-13)
  closeTo(binomialDensity(10, 10, 0.3), 5.9049e-6, 1e-13)
  closeTo(binomialDensity(500, 1000, 0.5), 0.0252250181783608, 1e-13)
  closeTo(binomialDensity(222, 222_000, 0.001), 0.02677859647683754, 1e-12)
  let total = 0
  for (let k = 0; k <= 777; k++) total += binomialDensity(k, 777, 0.123)
  closeTo(total, 1, 1e-12)
})

test('the logarithm of the gamma function has the tabulated values', () => {
  closeTo(logGamma(0.1), 2.252712651734206, 1e-13)
  closeTo(logGamma(0.5), 0.5723649429247001, 1e-13)
  closeTo(logGamma(1.5), -0.12078223763524522, 1e-13)
  closeTo(logGamma(1000.5), 5908.674175848678, 1e-13)
})
