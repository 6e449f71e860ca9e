import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compare, type Pairs } from './compare.ts'
import type { Task } from './tasks.ts'

const settingsFor = (task: Task, metric: string, n: number, slice?: string[]) => ({
  task,
  scorers: [],
  metric,
  margin: 0.05,
  sliceMargin: 0.05,
  limited: [],
  slices: slice ? [{ slice: 'city', values: slice }] : [{ slice: 'all', values: new Array<string>(n).fill('x') }],
  seed: 1,
  baselineName: 'm@1',
  sameVersion: false,
})

function pairsOf(
  labels: (number | string)[],
  candidate: (number | string | null)[],
  baseline: (number | string | null)[],
): Pairs {
  const side = (answers: (number | string | null)[]) => ({ answers: [answers], scores: {} })
  return { ids: labels.map((_, n) => `i${n}`), labels, candidate: side(candidate), baseline: side(baseline) }
}

test('what the live version cannot answer counts against it, and the comparison goes on', () => {
  const labels = Array.from({ length: 200 }, (_, n) => n)
  const good = labels.map((label) => label + (label % 2 === 0 ? 0.1 : -0.1))
  const broken = good.map((answer, n) => (n < 80 ? null : answer))
  const found = compare(pairsOf(labels, good, broken), settingsFor('regression', 'mae', labels.length))
  assert.equal(found.primary.verdict, 'pass', found.primary.reason)
  const worseLive = labels.map((label, n) => (n < 80 ? null : label + 3))
  const mended = compare(pairsOf(labels, good, worseLive), settingsFor('regression', 'mae', labels.length))
  assert.equal(mended.primary.verdict, 'pass', mended.primary.reason)
  assert.equal(mended.unanswered.count, 80)
  assert.deepEqual(mended.unanswered.ids.slice(0, 2), ['i0', 'i1'])
})

test('a candidate that is worse where the live version answers does not pass because the live version failed elsewhere', () => {
  const labels = Array.from({ length: 200 }, (_, n) => n)
  const noise = (n: number, size: number) => size * (((n * 7919) % 200) / 100 - 1)
  const live = labels.map((label, n) => (n < 80 ? null : label + noise(n, 4)))
  const settings = { ...settingsFor('regression', 'mae', labels.length), margin: 1 }
  const worse = compare(
    pairsOf(
      labels,
      labels.map((label, n) => label + noise(n + 3, 8)),
      live,
    ),
    settings,
  )
  assert.equal(worse.primary.verdict, 'pass', 'the missing answers alone outweigh it')
  assert.deepEqual([worse.answered?.verdict, worse.answered?.n], ['fail', 120])
  const mend = compare(
    pairsOf(
      labels,
      labels.map((label, n) => live[n] ?? label + noise(n, 4)),
      live,
    ),
    settings,
  )
  assert.deepEqual([mend.primary.verdict, mend.answered?.verdict], ['pass', 'pass'])
  const nothing = compare(
    pairsOf(
      labels,
      labels.map((label) => label + 0.1),
      labels.map(() => null),
    ),
    settings,
  )
  assert.deepEqual([nothing.answered?.verdict, nothing.answered?.n], ['cannot_tell', 0])
})

test('a missing answer of the baseline is never an error and never makes a right candidate the worse one', () => {
  const item = fc.record({ label: fc.constantFrom(0, 1), score: fc.double({ min: 0.01, max: 0.99, noNaN: true }) })
  fc.assert(
    fc.property(fc.array(item, { minLength: 8, maxLength: 60 }), fc.nat(), (items, position) => {
      const labels = [0, 1, ...items.map(({ label }) => label)]
      const scores = [0.3, 0.7, ...items.map(({ score }) => score)]
      const hole = position % labels.length
      const candidate = scores.map((score, n) => (n === hole ? (labels[n] ?? 0) : score))
      const baseline = scores.map((score, n) => (n === hole ? null : score))
      for (const metric of ['log_loss', 'auc', 'brier']) {
        const { primary, unanswered } = compare(
          pairsOf(labels, candidate, baseline),
          settingsFor('binary', metric, labels.length),
        )
        assert.notEqual(primary.verdict, 'error', primary.reason)
        assert.ok((primary.difference.value ?? 0) >= 0, `${metric} ${primary.difference.value}`)
        assert.equal(unanswered.count, 1)
      }
    }),
    { numRuns: 40 },
  )
})

test('a missing answer of the candidate says whose it is, and so does one of a baseline that answers nothing by kind', () => {
  const labels = [0, 1, 0, 1]
  const { primary } = compare(
    pairsOf(labels, [0.2, null, 0.1, 0.9], [0.2, 0.8, 0.1, 0.9]),
    settingsFor('binary', 'log_loss', 4),
  )
  assert.equal(primary.verdict, 'error')
  assert.match(primary.reason, /the candidate has no usable answer for 1 of 4 items: i1/)
})

test('with one class among the items a metric of two classes cannot tell, and says so with their number', () => {
  const none = new Array<number>(100).fill(0)
  const scores = none.map((_, n) => n / 100)
  for (const metric of ['auc', 'recall']) {
    const { primary, metrics } = compare(
      pairsOf(
        none,
        scores,
        scores.map((score) => score / 2),
      ),
      settingsFor('binary', metric, 100),
    )
    assert.equal(primary.verdict, 'cannot_tell')
    assert.match(primary.reason, /only one class among 100 items/)
    assert.equal(metrics.find((one) => one.metric === metric)?.undefined, 'only one class among 100 items')
  }
  const loss = compare(
    pairsOf(
      none,
      scores,
      scores.map((score) => score / 2),
    ),
    settingsFor('binary', 'log_loss', 100),
  )
  assert.notEqual(loss.primary.reason.includes('one class'), true)
})

test('a slice with one class says so, and not that it has too few items', () => {
  const labels = Array.from({ length: 200 }, (_, n) => (n < 100 ? 0 : n % 2))
  const scores = labels.map((label, n) => (label === 1 ? 0.6 : 0.4) + (n % 7) / 100)
  const city = labels.map((_, n) => (n < 100 ? 'Ulm' : 'Bonn'))
  const { slices } = compare(
    pairsOf(
      labels,
      scores,
      scores.map((score) => score - 0.01),
    ),
    settingsFor('binary', 'auc', 200, city),
  )
  const ulm = slices.find(({ value }) => value === 'Ulm')
  assert.deepEqual([ulm?.verdict, ulm?.because], ['not_tested', 'only one class among 100 items'])
  assert.equal(slices.find(({ value }) => value === 'Bonn')?.because, null)
})
