import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from './close-to.fixture.ts'
import { binomialDensity, normalQuantile } from './distributions.ts'
import { mcNemar, smallestMargin, tangoTest } from './paired-proportions.ts'
import { createRandom } from './random.ts'

test('the score has the published fixtures', () => {
  const first = tangoTest({ candidateOnly: 6, baselineOnly: 9, n: 200, margin: 0.05 })
  closeTo(first.z, 1.6488169274798739)
  closeTo(first.lowerBound, -0.0499043785)
  assert.equal(first.pass, true)
  closeTo(tangoTest({ candidateOnly: 0, baselineOnly: 0, n: 100, margin: 0.05 }).z, 2.2941573387056176)
  const third = tangoTest({ candidateOnly: 3, baselineOnly: 5, n: 60, margin: 0.1 })
  closeTo(third.z, 1.2977144569453567)
  assert.equal(third.pass, false)
})

test('passing, a score above the critical value and a lower bound above the margin are the same thing', () => {
  const counts = fc.tuple(fc.nat(30), fc.nat(30), fc.nat(200)).filter(([b, c, same]) => b + c + same > 0)
  fc.assert(
    fc.property(counts, fc.double({ min: 0.005, max: 0.5, noNaN: true }), ([b, c, same], margin) => {
      const result = tangoTest({ candidateOnly: b, baselineOnly: c, n: b + c + same, margin })
      fc.pre(Math.abs(result.z - normalQuantile(0.95)) > 1e-6)
      assert.equal(result.pass, result.lowerBound > -margin)
    }),
  )
})

test('the bounds contain the observed difference, and exchanging the sides mirrors them', () => {
  const counts = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(100)).filter(([b, c, same]) => b + c + same > 0)
  fc.assert(
    fc.property(counts, ([b, c, same]) => {
      const n = b + c + same
      const one = tangoTest({ candidateOnly: b, baselineOnly: c, n, margin: 0.05 })
      const other = tangoTest({ candidateOnly: c, baselineOnly: b, n, margin: 0.05 })
      assert.ok(one.lowerBound <= (b - c) / n + 1e-12 && (b - c) / n <= one.upperBound + 1e-12)
      assert.ok(Math.abs(one.lowerBound + other.upperBound) < 1e-9)
    }),
  )
})

test('no pairs, no discordant pair without a margin, and missing counts never pass', () => {
  assert.equal(tangoTest({ candidateOnly: 0, baselineOnly: 0, n: 0, margin: 0.05 }).pass, false)
  assert.equal(tangoTest({ candidateOnly: 0, baselineOnly: 0, n: 50, margin: 0 }).pass, false)
  assert.equal(tangoTest({ candidateOnly: Number.NaN, baselineOnly: 0, n: 50, margin: 0.05 }).pass, false)
})

test('a set of 30 without any discordant pair does not prove two percentage points', () => {
  assert.equal(tangoTest({ candidateOnly: 0, baselineOnly: 0, n: 30, margin: 0.02 }).pass, false)
})

test('at the margin itself about one in twenty passes', () => {
  const random = createRandom(17)
  const [trials, n, margin, discordance] = [2_000, 200, 0.05, 0.15]
  const loses = (discordance + margin) / 2
  let passes = 0
  for (let trial = 0; trial < trials; trial++) {
    let [candidateOnly, baselineOnly] = [0, 0]
    for (let item = 0; item < n; item++) {
      const draw = random()
      if (draw < loses) baselineOnly += 1
      else if (draw < discordance) candidateOnly += 1
    }
    const counts = { candidateOnly, baselineOnly, n }
    const z = tangoTest({ ...counts, margin }).z
    if (z > normalQuantile(0.95)) passes += 1
  }
  assert.ok(passes / trials < 0.065 && passes / trials > 0.03, `${passes} of ${trials}`)
})

test('the smallest provable margins are those of the published table, half a pair rounded up', () => {
  const table: [number, number[]][] = [
    [50, [5.1, 8.5, 9.7, 10.8, 11.1]],
    [100, [2.6, 3.5, 5.6, 5.7, 7.6]],
    [200, [1.3, 2.1, 2.9, 3.9, 5.3]],
    [500, [0.5, 1.2, 1.9, 2.4, 3.3]],
    [1000, [0.3, 0.8, 1.2, 1.7, 2.3]],
  ]
  const discordances = [0, 0.02, 0.05, 0.1, 0.2]
  const found = table.map(([n]) =>
    discordances.map((discordance) => Number((100 * smallestMargin({ n, discordance })).toFixed(1))),
  )
  assert.deepEqual(
    found,
    table.map(([, row]) => row),
  )
})

test("McNemar's p-values have the published fixtures", () => {
  closeTo(mcNemar(6, 9).midP, 0.454498291015625, 1e-12)
  closeTo(mcNemar(6, 9).exact, 0.607238769531, 1e-11)
})

test("McNemar's p-values add the chances of all outcomes at least as uneven", () => {
  fc.assert(
    fc.property(fc.nat(25), fc.nat(25), (b, c) => {
      const n = b + c
      const chances = Array.from(
        { length: n + 1 },
        (_, k) => [Math.abs(2 * k - n), binomialDensity(k, n, 0.5)] as const,
      )
      const total = (keep: (distance: number) => boolean) =>
        chances.reduce((sum, [distance, chance]) => sum + (keep(distance) ? chance : 0), 0)
      const uneven = Math.abs(b - c)
      closeTo(
        mcNemar(b, c).exact,
        Math.min(
          1,
          total((distance) => distance >= uneven),
        ),
        1e-10,
      )
      const half = total((distance) => distance === uneven) / 2
      closeTo(mcNemar(b, c).midP, total((distance) => distance > uneven) + half, 1e-10)
    }),
  )
})
