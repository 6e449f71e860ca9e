import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compare } from '../comparison/compare.ts'
import { combine } from '../rules.ts'
import { floorCheck, latencyCheck, sliceChecks, withinCheck } from './guardrails.ts'

const rule = { name: 'latency_p95', ratio: 1.1, constantBaseline: false, slowAfter: undefined }

/** Times around the given one that alternate, so that they vary. */
function times(n: number, typical: number): number[] {
  return Array.from({ length: n }, (_, index) => typical * (index % 2 === 0 ? 0.99 : 1.01))
}

test('the time of an answer is judged by its ratio to the baseline’s', () => {
  const baseline = times(400, 20).reverse()
  assert.equal(latencyCheck({ candidate: times(400, 20), baseline }, rule).verdict, 'pass')
  assert.equal(latencyCheck({ candidate: times(400, 30), baseline }, rule).verdict, 'fail')
  const between = latencyCheck({ candidate: times(6, 21.9), baseline: times(6, 20).reverse() }, rule)
  assert.equal(between.verdict, 'cannot_tell')
})

test('a ratio of times below a millisecond does no harm', () => {
  const found = latencyCheck({ candidate: times(400, 0.04), baseline: times(400, 0.02) }, rule)
  assert.equal(found.verdict, 'pass')
  assert.match(found.reason, /under 1 ms, so its ratio of 2 .* does no harm/)
})

test('against a constant the time is judged by slow_after, and without one it is only shown', () => {
  const latencies = { candidate: times(400, 20), baseline: times(400, 0.001) }
  const constant = { ...rule, constantBaseline: true }
  assert.equal(latencyCheck(latencies, { ...constant, slowAfter: 1000 }).verdict, 'pass')
  assert.equal(latencyCheck(latencies, { ...constant, slowAfter: 10 }).verdict, 'fail')
  const unset = latencyCheck(latencies, constant)
  assert.deepEqual([unset.verdict, unset.required], ['cannot_tell', false])
  const few = latencyCheck({ candidate: times(20, 1), baseline: times(20, 1) }, { ...constant, slowAfter: 1000 })
  assert.equal(few.verdict, 'cannot_tell')
})

test('what was not timed, or has no limit, is an error', () => {
  assert.equal(latencyCheck(undefined, rule).verdict, 'error')
  assert.equal(latencyCheck({ candidate: [], baseline: [] }, rule).verdict, 'error')
  const latencies = { candidate: times(400, 20), baseline: times(400, 20) }
  assert.equal(latencyCheck(latencies, { ...rule, ratio: undefined }).verdict, 'error')
  assert.equal(latencyCheck({ ...latencies, baseline: times(400, 0) }, rule).verdict, 'error')
})

/** Answers of one time of asking. */
function once(answers: (number | string | null)[]) {
  return { answers: [answers], scores: {} }
}

const answer = fc.double({ min: 0.01, max: 0.99, noNaN: true })
const unusable = fc.constantFrom(null, Number.NaN, Number.POSITIVE_INFINITY, -0.1, 1.1, 'late')

test('one unusable answer of the candidate, wherever it is, never passes any check', () => {
  const items = fc.array(fc.record({ label: fc.constantFrom(0, 1), candidate: answer, baseline: answer }), {
    minLength: 1,
    maxLength: 60,
  })
  fc.assert(
    fc.property(items, fc.nat(), unusable, (given, position, nothing) => {
      const lists = {
        candidate: given.map(({ candidate }): number | string | null => candidate),
        baseline: given.map(({ baseline }): number | string | null => baseline),
      }
      const at = position % given.length
      lists.candidate[at] = nothing
      const result = compare(
        {
          ids: given.map((_, index) => `item ${index}`),
          labels: given.map(({ label }) => label),
          candidate: once(lists.candidate),
          baseline: once(lists.baseline),
        },
        {
          task: 'binary',
          scorers: [],
          sliceMargin: 100,
          metric: 'log_loss',
          margin: 100,
          limited: ['auc', 'bias'],
          slices: [{ slice: 'origin', values: given.map(() => 'ORD') }],
          seed: 1,
          baselineName: 'live',
          sameVersion: position % 2 === 0,
        },
      )
      assert.equal(result.primary.verdict, 'error')
      assert.ok(result.primary.reason.includes(`item ${at}`))
      const checks = [
        floorCheck({ metric: 'auc', at_least: 0 }, result),
        withinCheck({ metric: 'bias', within: 100 }, result),
        ...sliceChecks(result, 100),
      ]
      assert.ok(checks.every(({ verdict }) => verdict !== 'pass'))
      assert.equal(combine(checks), 'error')
    }),
    { numRuns: 200 },
  )
})

test('the order of items changes no difference and no slice', () => {
  const items = fc.array(
    fc.record({
      label: fc.constantFrom(0, 1),
      candidate: answer,
      baseline: answer,
      origin: fc.constantFrom('ORD', 'LGA'),
    }),
    { minLength: 60, maxLength: 80 },
  )
  const ask = (given: { label: number; candidate: number; baseline: number; origin: string }[]) =>
    compare(
      {
        ids: given.map((_, index) => String(index)),
        labels: given.map(({ label }) => label),
        candidate: once(given.map(({ candidate }) => candidate)),
        baseline: once(given.map(({ baseline }) => baseline)),
      },
      {
        task: 'binary',
        scorers: [],
        sliceMargin: 0.1,
        metric: 'brier',
        margin: 0.1,
        limited: [],
        slices: [{ slice: 'origin', values: given.map(({ origin }) => origin) }],
        seed: 1,
        baselineName: 'live',
        sameVersion: false,
      },
    )
  fc.assert(
    fc.property(items, (given) => {
      const [forward, backward] = [ask(given), ask(given.toReversed())]
      const gap = (forward.primary.difference.value ?? 0) - (backward.primary.difference.value ?? 1)
      assert.ok(Math.abs(gap) < 1e-12)
      assert.deepEqual(
        forward.slices.map(({ value, n }) => [value, n]),
        backward.slices.map(({ value, n }) => [value, n]),
      )
    }),
    { numRuns: 5 },
  )
})
