import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fisherExact, missingShares, tooFewToTell } from './missing-share.ts'

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual / expected - 1) < 1e-9, `${actual} is not ${expected}`)

test('the exact test of two shares has the published tails', () => {
  // scipy.stats.hypergeom: twice the smaller tail.
  near(fisherExact({ missing: 0, n: 66 }, { missing: 3, n: 3 }), 2 / 52394)
  near(fisherExact({ missing: 1, n: 10 }, { missing: 8, n: 10 }), 0.005477494641581329)
  near(fisherExact({ missing: 8, n: 10 }, { missing: 1, n: 10 }), 0.005477494641581329)
  assert.equal(fisherExact({ missing: 0, n: 50 }, { missing: 0, n: 9 }), 1)
  assert.equal(fisherExact({ missing: 50, n: 50 }, { missing: 9, n: 9 }), 1)
  const large = fisherExact({ missing: 1_000_000, n: 10_000_000 }, { missing: 501_000, n: 5_000_000 })
  assert.ok(Math.abs(large - 0.224042281804) < 1e-6, String(large))
})

test('a column that became empty is told at three rows where none was missing before, and not where half were', () => {
  const [full, half, always, small] = missingShares([
    { reference: { missing: 0, n: 66 }, now: { missing: 3, n: 3 } },
    { reference: { missing: 33, n: 66 }, now: { missing: 3, n: 3 } },
    { reference: { missing: 66, n: 66 }, now: { missing: 3, n: 3 } },
    { reference: { missing: 640, n: 66_000 }, now: { missing: 1_300, n: 66_000 } },
  ])
  assert.deepEqual([full?.emptied, full?.changed, full?.now.n], [true, true, 3])
  assert.ok((full?.now.lower ?? 1) < 0.5 && full?.now.upper === 1)
  assert.deepEqual([half?.emptied, half?.changed], [false, false])
  assert.deepEqual([always?.emptied, always?.changed], [false, false])
  assert.deepEqual([(small?.p ?? 1) < 1e-9, small?.changed], [true, false])
})

test('without rows on one side no share is known', () => {
  assert.deepEqual(missingShares([{ reference: { missing: 1, n: 2 }, now: { missing: 0, n: 0 } }]), [undefined])
})

test('values are too few where no outcome of them is rarer than one in twenty', () => {
  assert.deepEqual(
    [
      [1, 1],
      [3, 3],
      [4, 4],
      [66, 1],
      [38, 1],
      [0, 100],
    ].map(([n = 0, m = 0]) => tooFewToTell(n, m)),
    [true, true, false, false, true, true],
  )
})
