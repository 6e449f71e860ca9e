import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from './close-to.fixture.ts'
import { current, reference } from './drifting.fixture.ts'
import { datasetDrifted, evidentlyTest, nannymlChiSquare, nannymlTest } from './evidently-nannyml.ts'

const letters = (counts: Record<string, number>) =>
  Object.entries(counts).flatMap(([letter, count]) => new Array<string>(count).fill(letter))

test('small references are tested as Evidently does: K-S, chi-square, z, by kind and number of values', () => {
  const numbers = evidentlyTest({ column: 'x', kind: 'numeric', reference, current })
  assert.equal(numbers.test, 'K-S p_value')
  closeTo(numbers.value, 0.00015547831819823)
  assert.equal(numbers.drifted, true)

  const before = letters({ a: 250, b: 150, c: 90, d: 10 })
  const known = evidentlyTest({
    column: 'c',
    kind: 'categorical',
    reference: before,
    current: letters({ a: 180, b: 120, c: 80, d: 20 }),
  })
  assert.equal(known.test, 'chi-square p_value')
  closeTo(known.value, 0.000111020308904378)
  const fresh = evidentlyTest({
    column: 'c',
    kind: 'categorical',
    reference: before,
    current: letters({ a: 180, b: 120, c: 80, d: 16, e: 4 }),
  })
  assert.equal(fresh.value, 0)

  const shares = evidentlyTest({
    column: 'b',
    kind: 'categorical',
    reference: letters({ n: 300, y: 200 }),
    current: letters({ n: 270, y: 130 }),
  })
  assert.equal(shares.test, 'Z-test p_value')
  closeTo(shares.value, 0.020336504430311)
})

test('references above 1,000 rows are measured: normed Wasserstein for numbers, Jensen-Shannon for categories', () => {
  const thrice = [...reference, ...reference, ...reference]
  const numbers = evidentlyTest({ column: 'x', kind: 'numeric', reference: thrice, current })
  assert.equal(numbers.test, 'Wasserstein distance (normed)')
  closeTo(numbers.value, 0.327754792014669)
  assert.equal(numbers.drifted, true)

  const before = letters({ a: 2500, b: 1500, c: 900, d: 100 })
  const categories = evidentlyTest({
    column: 'c',
    kind: 'categorical',
    reference: before,
    current: letters({ a: 180, b: 120, c: 80, d: 16, e: 4 }),
  })
  assert.equal(categories.test, 'Jensen-Shannon distance')
  closeTo(categories.value, 0.078014130811408)
  assert.equal(categories.drifted, false)
})

test('values that are missing or not finite are left out; a side without any gives no verdict', () => {
  const holes = [...reference, null, undefined, Number.NaN, Number.POSITIVE_INFINITY]
  closeTo(evidentlyTest({ column: 'x', kind: 'numeric', reference: holes, current }).value, 0.00015547831819823)
  const none = evidentlyTest({ column: 'x', kind: 'numeric', reference: [null], current })
  assert.equal(none.drifted, false)
  assert.ok(Number.isNaN(none.value))
})

test('with NannyML it is the distance to base 2 against what the reference chunks stray', () => {
  const result = nannymlTest({ column: 'x', kind: 'numeric', reference, current })
  closeTo(result.value, 0.176203919566834)
  assert.ok(result.threshold > 0 && result.threshold < 1)
  const { statistic, p } = nannymlChiSquare(
    letters({ a: 250, b: 150, c: 90, d: 10 }),
    letters({ a: 180, b: 120, c: 80, d: 20 }),
  )
  closeTo(statistic, 7.633378932968537)
  assert.equal(p.toFixed(4), '0.0542')
})

test('text drifts when a classifier can tell old from new', () => {
  const say = (subject: string, n: number) =>
    Array.from({ length: n }, (_, i) => `the ${subject} number ${i} is late and we want to know why`)
  const same = evidentlyTest({ column: 't', kind: 'text', reference: say('flight', 200), current: say('flight', 200) })
  const other = evidentlyTest({
    column: 't',
    kind: 'text',
    reference: say('flight', 200),
    current: say('invoice', 200),
  })
  assert.equal(same.drifted, false)
  assert.equal(other.drifted, true)
})

test('a table drifted when half of its columns did', () => {
  const column = (drifted: boolean) => ({
    column: 'x',
    kind: 'numeric' as const,
    test: '',
    value: 0,
    threshold: 0,
    drifted,
  })
  assert.equal(datasetDrifted([column(true), column(false)]), true)
  assert.equal(datasetDrifted([column(true), column(false), column(false)]), false)
  assert.equal(datasetDrifted([]), false)
})
