import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chiSquareSurvival } from './distributions.ts'
import { elementAt } from './element-at.ts'
import { createRandom, hashUnit } from './random.ts'

/** Chance of a histogram at least this uneven when every cell is equally likely. */
function evenness(values: readonly number[], cells: number): number {
  const counts = new Array<number>(cells).fill(0)
  for (const value of values) {
    const cell = Math.floor(value * cells)
    counts[cell] = elementAt(counts, cell) + 1
  }
  const expected = values.length / cells
  const statistic = counts.reduce((total, count) => total + (count - expected) ** 2 / expected, 0)
  return chiSquareSurvival(statistic, cells - 1)
}

test('the same seed gives the same numbers, another seed gives others', () => {
  const draw = (seed: number) => Array.from({ length: 5 }, createRandom(seed))
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
})

test('numbers of one seed, and first numbers of neighbouring seeds, are even over [0, 1)', () => {
  const random = createRandom(1)
  const numbers = Array.from({ length: 50_000 }, random)
  assert.ok(numbers.every((value) => value >= 0 && value < 1))
  assert.ok(evenness(numbers, 100) > 1e-4)
  const firsts = Array.from({ length: 50_000 }, (_, seed) => createRandom(seed)())
  assert.ok(evenness(firsts, 100) > 1e-4)
})

test('a key always hashes to the same number', () => {
  assert.equal(hashUnit('release-7/user-1'), hashUnit(['release-7', 'user-1'].join('/')))
  assert.equal(hashUnit(''), 0.8583461919333786)
})

test('hashes of consecutive keys are even, and independent when the salt changes', () => {
  const keys = Array.from({ length: 50_000 }, (_, unit) => [hashUnit(`a/${unit}`), hashUnit(`b/${unit}`)] as const)
  assert.ok(
    evenness(
      keys.map(([a]) => a),
      100,
    ) > 1e-4,
  )
  const cells = keys.map(([a, b]) => (Math.floor(a * 10) + b) / 10)
  assert.ok(evenness(cells, 100) > 1e-4)
})

test('a change of one bit of the key changes about half of the bits of the hash', () => {
  const bits = (key: string) => hashUnit(key) * 2 ** 32
  let changed = 0
  for (let unit = 0; unit < 2_000; unit++) {
    const key = `unit-${unit}`
    const flipped = key.slice(0, 2) + String.fromCharCode(key.charCodeAt(2) ^ 1) + key.slice(3)
    let difference = (bits(key) ^ bits(flipped)) >>> 0
    for (; difference > 0; difference >>>= 1) changed += difference & 1
  }
  assert.ok(Math.abs(changed / 2_000 - 16) < 0.3, `${changed / 2_000} bits`)
})
