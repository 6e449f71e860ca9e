import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from './close-to.fixture.ts'
import { chance, fitLogistic } from './logistic.ts'
import { aucError, domainAuc, noveltyOf } from './population-shift.ts'
import { createRandom } from './random.ts'

function draws(n: number, shift: number, seed: number) {
  const random = createRandom(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Array.from({ length: n }, () => ({ x: normal() + shift, y: normal(), kind: random() < 0.5 ? 'a' : 'b' }))
}

test('the error of an area has its published form', () => {
  const [q1, q2] = [0.85 / 1.15, (2 * 0.85 ** 2) / 1.85]
  const by = (0.85 * 0.15 + 49 * (q1 - 0.85 ** 2) + 39 * (q2 - 0.85 ** 2)) / 2000
  closeTo(aucError(0.85, 50, 40), Math.sqrt(by), 1e-15)
})

test('two samples of one population cannot be told apart, a moved one can', () => {
  const names = ['x', 'y', 'kind']
  const alike = domainAuc(draws(400, 0, 1), draws(400, 0, 2), names)
  assert.ok(alike && alike.lower < 0.5 && alike.upper > 0.5, JSON.stringify(alike))
  const moved = domainAuc(draws(400, 0, 1), draws(400, 1, 2), names)
  // Two normal distributions one standard deviation apart: the area is Phi(1 / sqrt 2).
  assert.ok(moved && moved.lower < 0.7602 && moved.upper > 0.7602, JSON.stringify(moved))
  assert.equal(domainAuc(draws(9, 0, 1), draws(400, 0, 2), names), null)
})

test('about one in twenty of like rows is new, all of them when they are far away', () => {
  const names = ['x', 'y']
  const alike = noveltyOf(draws(500, 0, 3), draws(2000, 0, 4), names)
  assert.ok(alike && Math.abs(alike.share - 0.05) < 0.02, JSON.stringify(alike))
  assert.equal(noveltyOf(draws(500, 0, 3), draws(100, 20, 4), names)?.share, 1)
  assert.equal(noveltyOf(draws(19, 0, 3), draws(100, 0, 4), names), null)
})

test('the fit makes the penalised gradient vanish', () => {
  const rows = draws(300, 0, 5).map(({ x, y }) => Float64Array.of(1, x, y))
  const labels = rows.map((row) => Number((row[1] ?? 0) + 0.3 * (row[2] ?? 0) > 0.2))
  const weights = fitLogistic(rows, labels, 2)
  for (let column = 0; column < 3; column++) {
    const slope = rows.reduce(
      (total, row, index) => total + ((labels[index] ?? 0) - chance(weights, row)) * (row[column] ?? 0),
      0,
    )
    assert.ok(Math.abs(slope - (column === 0 ? 0 : 2 * (weights[column] ?? 0))) < 1e-6)
  }
})
