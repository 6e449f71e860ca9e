import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRandom } from '../../../core/stats/random.ts'
import { type RepresentativenessInput, representativenessOf } from './representative.ts'

function question(more: Partial<RepresentativenessInput> = {}): RepresentativenessInput {
  return {
    items: [],
    population: null,
    slices: [],
    parts: null,
    margin: 0.01,
    ages: [],
    overlap: null,
    fresh: null,
    ...more,
  }
}

function rows(counts: Record<string, number>) {
  return Object.entries(counts).flatMap(([region, count]) => Array.from({ length: count }, () => ({ region })))
}

function population(counts: Record<string, number>) {
  const from = '2026-01-01T00:00:00.000Z'
  return { from, to: from, rows: rows(counts).map((inputs) => ({ inputs, output: 0.5 })) }
}

test('coverage is the share of traffic in cells with enough items, and names the rest by traffic', () => {
  const { coverage } = representativenessOf(
    question({
      items: rows({ north: 30, south: 4 }),
      population: population({ north: 60, south: 30, west: 10 }),
      slices: ['region'],
    }),
  )
  assert.deepEqual([coverage?.by, coverage?.fewest], [['region'], 5])
  assert.ok(Math.abs((coverage?.share ?? 0) - 0.6) < 1e-12)
  assert.deepEqual(coverage?.uncovered, [
    { cell: 'region=south', traffic: 0.3, items: 4 },
    { cell: 'region=west', traffic: 0.1, items: 0 },
  ])
})

test('the weighted score counts each item by the traffic of its cell, and says what it is worth', () => {
  const items = rows({ north: 30, south: 10 })
  const parts = items.map(({ region }) => (region === 'north' ? 1 : 0))
  const { weighted, warnings } = representativenessOf(
    question({ items, parts, population: population({ north: 20, south: 80 }), slices: ['region'] }),
  )
  assert.ok(Math.abs((weighted?.value ?? 0) - 0.2) < 1e-12)
  assert.equal(weighted?.raw, 0.75)
  // Weights .2 / 30 and .8 / 10: (sum w)^2 / sum w^2.
  assert.ok(Math.abs((weighted?.effectiveItems ?? 0) - 1 / (30 * (0.2 / 30) ** 2 + 10 * 0.08 ** 2)) < 1e-9)
  assert.ok(warnings.some((warning) => warning.startsWith('weighted like traffic the score is 0.2')))
  assert.ok(warnings.some((warning) => warning.includes('are worth 15.')))
})

test('with traffic as in the set, the weighted score is the raw one and every item counts', () => {
  const counts = fc.record({ north: fc.integer({ min: 5, max: 40 }), south: fc.integer({ min: 5, max: 40 }) })
  fc.assert(
    fc.property(counts, fc.integer(), (given, seed) => {
      const random = createRandom(seed)
      const items = rows(given)
      const parts = items.map(() => random())
      const { weighted, coverage } = representativenessOf(
        question({ items, parts, population: population(given), slices: ['region'] }),
      )
      assert.ok(Math.abs((weighted?.value ?? 0) - (weighted?.raw ?? 1)) < 1e-9)
      assert.ok(Math.abs((weighted?.effectiveItems ?? 0) - items.length) < 1e-6)
      assert.equal(coverage?.share, 1)
    }),
    { numRuns: 30 },
  )
})

test('keys that would leave most cells without items are not used', () => {
  const random = createRandom(2)
  const many = (n: number) =>
    Array.from({ length: n }, () => ({ region: random() < 0.5 ? 'a' : 'b', street: `s${Math.floor(random() * 500)}` }))
  const { coverage } = representativenessOf(
    question({
      items: many(100),
      population: { from: '', to: '', rows: many(1000).map((inputs) => ({ inputs, output: 0 })) },
      slices: ['street', 'region'],
    }),
  )
  assert.deepEqual(coverage?.by, ['region'])
})

test('numbers that move the answer are cut into thirds of traffic', () => {
  const random = createRandom(4)
  const drawn = (n: number) =>
    Array.from({ length: n }, () => {
      const [x, noise] = [random(), random()]
      return { inputs: { x, noise }, output: x }
    })
  const { coverage } = representativenessOf(
    question({
      items: drawn(300)
        .map(({ inputs }) => inputs)
        .filter(({ x }) => x < 0.6),
      population: { from: '', to: '', rows: drawn(900) },
    }),
  )
  assert.equal(coverage?.by[0], 'x')
  assert.ok((coverage?.share ?? 1) < 0.75 && (coverage?.share ?? 0) > 0.6)
})

test('a set is stale when the live version scores surely otherwise on fresh items, and unknown with too few', () => {
  const random = createRandom(6)
  const scores = (n: number, center: number) => Array.from({ length: n }, () => center + random() - 0.5)
  const fresh = (production: number[]) =>
    representativenessOf(question({ fresh: { metric: 'brier', golden: scores(400, 0.2), production } })).fresh
  assert.equal(fresh(scores(400, 0.2))?.stale, false)
  assert.equal(fresh(scores(400, 0.4))?.stale, true)
  assert.equal(fresh(scores(99, 0.4)), null)
})

test('age, overlap and missing production are told', () => {
  const found = representativenessOf(question({ ages: [10, 200, 400], overlap: { shared: 3, of: 40 } }))
  assert.deepEqual(found.age, { medianDays: 200, under90Days: 1 / 3 })
  assert.deepEqual(
    found.warnings.map((warning) => warning.slice(0, 28)),
    ['no sample of production was r', 'half of its items are older t', '3 of its 40 items are rows th'].map((text) =>
      text.slice(0, 28),
    ),
  )
  assert.deepEqual([found.coverage, found.weighted, found.domainAuc, found.novelty], [null, null, null, null])
})
