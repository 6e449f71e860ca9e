import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { combine, type GateCheck, judgeInterval, judgeParity, judgeSlice, summarize } from './rules.ts'

const verdict = fc.constantFrom('pass', 'fail', 'cannot_tell', 'error')
const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 })

function check(given: Partial<GateCheck>): GateCheck {
  return { check: 'quality', verdict: 'pass', required: true, value: 1, limit: 1, n: 400, reason: 'fine', ...given }
}

test('a value passes when its whole interval keeps the limit, fails when none of it does, and cannot tell between', () => {
  const bounded = { value: 0.69, lower: 0.64, upper: 0.74 }
  assert.equal(judgeInterval(bounded, { atLeast: 0.6 }), 'pass')
  assert.equal(judgeInterval(bounded, { atLeast: 0.65 }), 'cannot_tell')
  assert.equal(judgeInterval(bounded, { atLeast: 0.75 }), 'fail')
  assert.equal(judgeInterval(bounded, { atMost: 0.8 }), 'pass')
  assert.equal(judgeInterval(bounded, { atMost: 0.6 }), 'fail')
  assert.equal(judgeInterval({ value: 0.01, lower: -0.03, upper: 0.04 }, { atLeast: -0.05, atMost: 0.05 }), 'pass')
  assert.equal(
    judgeInterval({ value: 0.01, lower: -0.06, upper: 0.08 }, { atLeast: -0.05, atMost: 0.05 }),
    'cannot_tell',
  )
})

test('a missing value, bound or limit is an error, never a pass', () => {
  const missing = fc.constantFrom(null, Number.NaN)
  const part = fc.constantFrom('value', 'lower', 'upper')
  fc.assert(
    fc.property(number, missing, part, number, (value, nothing, hole, limit) => {
      const bounded = { value, lower: value - 1, upper: value + 1, [hole]: nothing }
      assert.equal(judgeInterval(bounded, { atLeast: limit }), 'error')
      assert.equal(judgeInterval(bounded, { atMost: limit }), 'error')
    }),
  )
  assert.equal(judgeInterval({ value: 1, lower: 0, upper: 2 }, {}), 'error')
  assert.equal(judgeInterval({ value: 1, lower: 0, upper: 2 }, { atLeast: Number.NaN }), 'error')
  assert.equal(judgeInterval({ value: 1, lower: 2, upper: 0 }, { atLeast: -9 }), 'error')
})

test('a stricter limit never turns a failure into a pass', () => {
  const rank = { pass: 2, cannot_tell: 1, fail: 0, error: -1 }
  fc.assert(
    fc.property(number, fc.nat(100), fc.nat(100), number, fc.nat(100), (value, below, above, limit, more) => {
      const bounded = { value, lower: value - below, upper: value + above }
      const loose = judgeInterval(bounded, { atLeast: limit })
      const strict = judgeInterval(bounded, { atLeast: limit + more })
      assert.ok(rank[strict] <= rank[loose])
    }),
  )
})

test('the worst required check decides, in any order; warnings never do', () => {
  const checks = fc.array(fc.record({ verdict, required: fc.boolean() }), { maxLength: 12 })
  fc.assert(
    fc.property(checks, fc.nat(), (given, turn) => {
      const result = combine(given)
      const rotated = given.map((_, index) => given[(index + turn) % given.length]).filter((one) => one !== undefined)
      assert.equal(combine(rotated), result)
      assert.equal(combine(given.filter(({ required }) => required)), result)
      const required = given.filter((one) => one.required).map((one) => one.verdict)
      if (required.includes('error')) assert.equal(result, 'error')
      else if (required.includes('fail')) assert.equal(result, 'fail')
      else if (required.includes('cannot_tell')) assert.equal(result, 'cannot_tell')
      else assert.equal(result, required.length === 0 ? 'error' : 'pass')
    }),
  )
})

test('a gate without a required check proves nothing', () => {
  assert.equal(combine([]), 'error')
  assert.equal(combine([{ verdict: 'pass', required: false }]), 'error')
})

test('the summary says what decided, and counts the warnings', () => {
  assert.equal(summarize([check({}), check({ check: 'lineage' })]), 'All 2 required checks pass.')
  assert.equal(
    summarize([
      check({}),
      check({ check: 'floor auc', verdict: 'fail', reason: 'too low' }),
      check({ check: 'slice origin=ORD', verdict: 'cannot_tell', required: false }),
    ]),
    '1 of 2 required checks fails. floor auc: too low. 1 warning.',
  )
})

test('a slice blocks only when harm is proved after correcting for the number of slices', () => {
  assert.deepEqual(judgeSlice({ lower: -0.2, harm: 0.001, adjustedHarm: 0.008 }, 0.01), {
    verdict: 'fail',
    worse: true,
  })
  assert.deepEqual(judgeSlice({ lower: -0.2, harm: 0.02, adjustedHarm: 0.16 }, 0.01), {
    verdict: 'cannot_tell',
    worse: true,
  })
  assert.deepEqual(judgeSlice({ lower: -0.005, harm: 0.6, adjustedHarm: 1 }, 0.01), { verdict: 'pass', worse: false })
  assert.deepEqual(judgeSlice({ lower: null, harm: null, adjustedHarm: null }, 0.01), {
    verdict: 'not_tested',
    worse: false,
  })
})

test('parity fails when too many rows differ, naming the feature and the share', () => {
  const allowed = { tolerance: 0.05, share: 0.01 }
  const finding = { feature: 'origin_late_3h', rows: 2000, differing: 1200, share: 0.6, meanDifference: 0.083 }
  const failed = judgeParity(finding, { ...allowed, asOf: 'event' })
  assert.equal(failed.verdict, 'fail')
  assert.match(failed.reason, /^served and training values of origin_late_3h differ in 60 % of rows/)
  assert.match(failed.reason, /the training set knew rows that serving does not know yet/)
  assert.equal(judgeParity({ ...finding, differing: 0, share: 0 }, { ...allowed, asOf: 'known' }).verdict, 'pass')
  assert.equal(judgeParity({ ...finding, rows: 0, share: Number.NaN }, { ...allowed, asOf: 'known' }).verdict, 'error')
})
