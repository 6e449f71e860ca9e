import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testContext } from '../../../../test/support/context.ts'
import type { AppError } from '../../../core/errors.ts'
import type { Value } from '../../../core/onnx/onnx.ts'
import { createRandom } from '../../../core/stats/random.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/model-spec.ts'
import { definition, makeSpec, registerEcho } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'
import { type ComparisonSettings, compare, type Pairs } from './compare.ts'

const model = 'flight-delay'

function specOf(output: ModelSpec['serves']['output'], metric: string, margin: number): ModelSpec {
  return { ...makeSpec({ quality: { metric, against: 'live', margin } }), serves: { output } }
}

const asked: ComparisonSettings = {
  task: 'multiclass',
  scorers: [],
  metric: 'accuracy',
  margin: 0.05,
  sliceMargin: 0.05,
  limited: [],
  slices: [],
  seed: 1,
  baselineName: 'live',
  sameVersion: false,
}

function pairsOf(labels: (number | string)[], candidate: Value[], baseline: Value[], more: Partial<Pairs> = {}): Pairs {
  const side = (answers: Value[]) => ({ answers: [answers], scores: {} })
  return {
    ids: labels.map((_, index) => `i${index}`),
    labels,
    candidate: side(candidate),
    baseline: side(baseline),
    ...more,
  }
}

test('answers of classes are judged by Tango’s score, against the commonest class where nothing is live', async (t) => {
  const ctx = await testContext(t)
  const random = createRandom(3)
  const items = Array.from({ length: 300 }, (_, index) => {
    const label = Math.floor(random() ** 2 * 3)
    return {
      id: `i${index}`,
      departs: '2025-03-01',
      origin: 'ORD',
      late: label,
      good: random() < 0.9 ? label : 2 - label,
    }
  })
  await registry.applySpec(ctx, specOf('multiclass', 'accuracy', 0.05))
  await evaluation.applyGolden(ctx, { definition, items })
  await registerEcho(ctx, 'good')
  const result = await evaluation.evaluate(ctx, { model, version: 1 })
  assert.deepEqual(
    [result.primary.verdict, result.primary.method, result.against],
    ['pass', 'Tango score', 'constant baseline "0" (nothing is live)'],
  )
  assert.deepEqual(result.simpleBaselines.map(({ name }) => name)[0], 'constant "0"')
  const share = items.filter(({ late }) => late === 0).length / 300
  assert.equal(result.metrics.find(({ metric }) => metric === 'accuracy')?.baseline?.value, share)
  // Only answers that are probabilities of classes have a log loss.
  assert.ok(!result.metrics.some(({ metric }) => metric === 'log_loss'))
})

test('probabilities of classes give a log loss, and the likeliest class', () => {
  const labels = ['cat', 'dog', 'cat', 'bird']
  const sure = labels.map((label) => JSON.stringify({ cat: 0.1, dog: 0.1, bird: 0.1, [label]: 0.8 }))
  const even = labels.map(() => JSON.stringify({ cat: 0.4, dog: 0.3, bird: 0.3 }))
  const found = compare(pairsOf(labels, sure, even), { ...asked, metric: 'log_loss' })
  const value = (name: string) => found.metrics.find(({ metric }) => metric === name)
  assert.ok(Math.abs((value('log_loss')?.candidate.value ?? 0) + Math.log(0.8)) < 1e-12)
  assert.equal(value('accuracy')?.candidate.value, 1)
  assert.equal(value('accuracy')?.baseline.value, 0.5)
})

test('an answer that is neither a class nor probabilities is an error, whatever its form', () => {
  const odd = fc.constantFrom(
    null,
    '',
    Number.NaN,
    '{',
    '{"a": 2}',
    '{"a": -0.5, "b": 1.5}',
    '{"a": "1"}',
    '{"a": 0.5}',
    '{}',
  )
  fc.assert(
    fc.property(odd, fc.nat(19), (answer, position) => {
      const labels = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'a' : 'b'))
      const answers: Value[] = labels.map((label) => label)
      answers[position] = answer
      const found = compare(pairsOf(labels, answers, labels), asked)
      assert.equal(found.primary.verdict, 'error')
      assert.match(found.primary.reason, new RegExp(`: i${position}$`))
    }),
  )
})

test('lists are judged whole: the mean over lists, compared list by list', async (t) => {
  const ctx = await testContext(t)
  const random = createRandom(5)
  const items = Array.from({ length: 600 }, (_, index) => {
    // Each list has something relevant, or no order of it could be right.
    const late = index < 100 ? 1 : Math.floor(random() * 3)
    return {
      id: `i${index}`,
      departs: '2025-03-01',
      origin: `q${index % 100}`,
      late,
      good: late + 0.5 * random(),
      noisy: late + 4 * random(),
    }
  })
  await registry.applySpec(ctx, specOf('ranking', 'ndcg', 0.05))
  const { slices: _, ...plain } = definition
  await evaluation.applyGolden(ctx, { definition: plain, items })
  await registerEcho(ctx, 'noisy')
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  await assert.rejects(
    evaluation.evaluate(ctx, { model, version: 2 }),
    (error: AppError) => error.hint?.includes('"list"') === true,
  )
  await evaluation.applyGolden(ctx, { definition: { ...plain, list: 'origin' }, items })
  const { primary, metrics } = await evaluation.evaluate(ctx, { model, version: 2 })
  assert.deepEqual([primary.verdict, primary.difference.n, primary.method], ['pass', 100, 'bootstrap-t'])
  const ndcg = metrics.find(({ metric }) => metric === 'ndcg')?.candidate.value ?? 0
  assert.ok(Math.abs(ndcg - 1) < 1e-12, String(ndcg))
})

test('items of one user are resampled together, and widen the interval', () => {
  const random = createRandom(11)
  const users = Array.from({ length: 40 }, () => random() - 0.5)
  const clusters = Array.from({ length: 800 }, (_, index) => `u${index % 40}`)
  const labels = clusters.map((_, index) => 10 + (users[index % 40] ?? 0))
  const candidate = clusters.map(() => 10)
  const baseline = labels.map((label) => label - 0.2 * random())
  const settings: ComparisonSettings = { ...asked, task: 'regression', metric: 'mae', margin: 0.5 }
  const apart = compare(pairsOf(labels, candidate, baseline), settings).primary
  const together = compare(pairsOf(labels, candidate, baseline, { clusters }), settings).primary
  assert.deepEqual([apart.method, together.method], ['bootstrap-t', 't over 40 clusters'])
  const width = ({ difference }: typeof apart) => (difference.upper ?? 0) - (difference.lower ?? 0)
  assert.ok(width(together) > 2 * width(apart))
  assert.equal(together.difference.n, 40)
})

test('an item that was asked about several times counts once, by the mean of its scores', () => {
  const labels = Array.from({ length: 60 }, () => 1)
  const side = (share: number) => ({
    answers: [0, 1].map((repeat) => labels.map((_, index) => (index < 60 * share && repeat === 0 ? 0.1 : 0.9))),
    scores: {},
  })
  const pairs: Pairs = { ids: labels.map(String), labels, candidate: side(0.5), baseline: side(0) }
  const found = compare(pairs, { ...asked, task: 'binary' })
  assert.equal(found.primary.difference.value, -0.25)
  assert.equal(found.primary.difference.n, 60)
  assert.deepEqual(found.stability[0]?.candidate, { passOnce: 0.75, passAlways: 0.5, flips: 0.5 })
})
