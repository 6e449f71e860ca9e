import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalFrom } from './close-to.fixture.ts'
import { domainDrift, hanleyMcNeil } from './domain-classifier.ts'
import { wassersteinNormed } from './drift-distances.ts'
import { mmd } from './mmd.ts'
import { createRandom } from './random.ts'
import { addToSketch, createReference, createSketch } from './sketch.ts'
import { sketchTests } from './sketch-comparison.ts'

const draws = (random: () => number, n: number, shift = 0, spread = 1) => {
  const normal = normalFrom(random)
  return Array.from({ length: n }, () => shift + spread * normal())
}

function tests(before: readonly unknown[], now: readonly unknown[], kind: 'numeric' | 'categorical' = 'numeric') {
  const reference = createReference({ kind, values: before })
  const [first, second] = [createSketch(reference), createSketch(reference)]
  for (const value of before) addToSketch(first, value)
  for (const value of now) addToSketch(second, value)
  return sketchTests(first, second)
}

test('the p-value of the index is uniform enough when nothing moved, whatever the sizes', () => {
  const random = createRandom(5)
  for (const [n, m] of [
    [2_000, 300],
    [5_000, 1_000],
  ] as const) {
    const below = Array.from({ length: 200 }, () => tests(draws(random, n), draws(random, m)).p).filter(
      (p) => p < 0.05,
    ).length
    assert.ok(below <= 24, `${below} of 200 at ${n}/${m}`)
  }
})

test('all measures of a shift point the same way, and the sketch agrees with the values', () => {
  const random = createRandom(9)
  const [before, now] = [draws(random, 4_000), draws(random, 2_000, 0.5, 1.2)]
  const moved = tests(before, now)
  assert.ok(moved.psi > moved.critical && moved.p < 1e-6)
  assert.ok((moved.kolmogorovSmirnov?.p ?? 1) < 1e-6)
  const exact = wassersteinNormed(before, now)
  assert.ok(Math.abs((moved.wasserstein ?? 0) - exact) < 0.05 * exact, `${moved.wasserstein} ${exact}`)
  const categories = tests(
    ['a', 'b', 'a', 'b'].flatMap((letter) => Array(100).fill(letter)),
    Array(200).fill('c'),
    'categorical',
  )
  assert.equal(categories.unseen, 1)
  assert.ok((categories.chiSquare?.p ?? 1) < 1e-6)
})

test('NaN, infinities and missing values are counted as missing and move no quantile', () => {
  const before = draws(createRandom(1), 500)
  const same = tests(before, [...before, Number.NaN, Number.POSITIVE_INFINITY, null, undefined])
  assert.ok(Math.abs(same.missing - 4 / 504) < 1e-12)
  assert.equal(same.wasserstein, 0)
  const empty = tests(before, [])
  assert.ok(Number.isNaN(empty.p) && Number.isNaN(empty.psi) && Number.isNaN(empty.missing))
})

test('a classifier cannot tell alike tables apart, and names the column that moved', () => {
  const random = createRandom(13)
  const table = (n: number, shift: number) =>
    draws(random, n).map((a) => ({ a, b: draws(random, 1, shift)[0], c: random() < 0.5 ? 'x' : 'y' }))
  const alike = domainDrift(table(600, 0), table(600, 0))
  assert.ok(alike.lower < 0.5 && alike.upper > 0.5, `${alike.lower} … ${alike.upper}`)
  const moved = domainDrift(table(600, 0), table(600, 1))
  assert.ok(moved.lower > 0.6)
  assert.equal(moved.columns[0]?.column, 'b')
  assert.ok(Number.isNaN(domainDrift(table(5, 0), table(600, 0)).auc))
})

test('text and embeddings drift too: by classifier and by maximum mean discrepancy', () => {
  const random = createRandom(17)
  const say = (words: string[], n: number) =>
    Array.from({ length: n }, () => ({
      text: Array.from({ length: 8 }, () => words[Math.floor(random() * words.length)]).join(' '),
    }))
  const weather = ['rain', 'wind', 'sun', 'snow', 'cloud', 'storm']
  const money = ['bill', 'price', 'pay', 'refund', 'card', 'invoice']
  assert.ok(domainDrift(say(weather, 200), say(money, 200)).lower > 0.95)
  const alikeText = domainDrift(say(weather, 200), say(weather, 200))
  assert.ok(alikeText.auc < 0.6)
  const vectors = (n: number, shift: number) => Array.from({ length: n }, () => draws(random, 8, shift))
  const [apart, alike] = [mmd(vectors(120, 0), vectors(120, 0.7)), mmd(vectors(120, 0), vectors(120, 0))]
  assert.ok(apart.p < 0.01 && apart.value > 0.015)
  assert.ok(alike.p > 0.01 && alike.value < 0.02)
  const embedded = (n: number, shift: number) => vectors(n, shift).map((embedding) => ({ embedding }))
  assert.ok(domainDrift(embedded(200, 0), embedded(200, 0.7)).lower > 0.7)
})

test('the interval of an area is that of Hanley and McNeil', () => {
  // Their example: area 0.893 with 51 positives and 58 negatives has a standard error of about 0.032.
  const { lower, upper } = hanleyMcNeil(0.893, 51, 58)
  assert.ok(Math.abs((upper - lower) / 2 / 1.96 - 0.032) < 0.002)
})
