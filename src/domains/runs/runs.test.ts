import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testContext, testServer } from '../../../test/support/context.ts'
import { AppError } from '../../core/errors.ts'
import * as runs from './runs.ts'

const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code
const active = { experiments: [0], view: 'active' as const, conditions: [], order: [], limit: 100 }

test('a run keeps its params, tags, metrics and end', async (t) => {
  const { client } = await testServer(t)
  const { id } = await client.runs.create({
    experiment: 'delays',
    name: 'first',
    params: { depth: '3' },
    tags: { team: 'a' },
  })
  assert.match(id, /^[0-9a-f]{32}$/)
  await client.runs.logBatch({
    run: id,
    metrics: [
      { key: 'loss', value: 0.5 },
      { key: 'loss', value: 0.25, step: 1 },
      { key: 'auc', value: null },
    ],
  })
  const run = await client.runs.finish({ run: id, status: 'finished' })
  assert.deepEqual(run, {
    id,
    experiment: 'delays',
    name: 'first',
    status: 'finished',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:00.000Z',
    params: { depth: '3' },
    metrics: { auc: null, loss: 0.25 },
    tags: { 'mlflow.runName': 'first', team: 'a' },
  })
  assert.deepEqual((await client.runs.search({ experiment: 'delays' })).items, [run])
})

test('experiment ids count up from "Default", which is there from the start', async (t) => {
  const ctx = await testContext(t)
  assert.deepEqual(
    (await runs.listExperiments(ctx, {})).items.map(({ id, name }) => [id, name]),
    [['0', 'Default']],
  )
  const made = await Promise.all(['a', 'b', 'c'].map((name) => runs.createExperiment(ctx, { name })))
  assert.deepEqual(made.map(({ id }) => id).sort(), ['1', '2', '3'])
  await assert.rejects(runs.createExperiment(ctx, { name: 'a' }), withCode('conflict'))
})

test('the latest value of a metric is the one with the greatest step, time and value, in whatever order they come', async (t) => {
  const ctx = await testContext(t)
  const point = fc.record({
    step: fc.integer({ min: -2, max: 2 }),
    at: fc.integer({ min: 0, max: 2 }),
    value: fc.constantFrom(-1, 0, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  })
  const batches = fc.array(fc.array(point, { maxLength: 4 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(batches, async (batches) => {
      const { id } = await runs.create(ctx, { experiment: 'delays' })
      for (const points of batches)
        await runs.log(ctx, { run: id, metrics: points.map((one) => ({ ...one, key: 'm' })) })
      const all = batches.flat()
      const [greatest] = all.toSorted((a, b) => b.step - a.step || b.at - a.at || Math.sign(b.value - a.value))
      const { metrics } = await runs.getRecord(ctx, id)
      assert.deepEqual(metrics, greatest ? [{ key: 'm', ...greatest }] : [])
      const { points } = await runs.pointsByTime(ctx, { run: id, key: 'm', limit: 100 })
      const distinct = new Set(all.map(({ step, at, value }) => `${at} ${step} ${value}`))
      assert.deepEqual(new Set(points.map(({ step, at, value }) => `${at} ${step} ${value}`)), distinct)
      assert.equal(points.length, distinct.size)
    }),
    { numRuns: 25 },
  )
})

test('NaN and the infinities come back as they were given', async (t) => {
  const ctx = await testContext(t)
  const { id } = await runs.create(ctx, { experiment: 'delays' })
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.1, 1e-300]
  await runs.log(ctx, { run: id, metrics: values.map((value, step) => ({ key: 'm', value, step, at: step })) })
  const { points } = await runs.pointsByTime(ctx, { run: id, key: 'm', limit: 10 })
  assert.deepEqual(
    points.map(({ value }) => value),
    values,
  )
})

test('a param is written once, and a batch that breaks this writes nothing at all', async (t) => {
  const ctx = await testContext(t)
  const { id } = await runs.create(ctx, { experiment: 'delays', params: { depth: '3' } })
  await runs.logBatch(ctx, { run: id, params: { depth: '3', rate: '0.1' } })
  const broken = { run: id, params: { width: '1', depth: '4' }, tags: { a: 'b' }, metrics: [{ key: 'm', value: 1 }] }
  await assert.rejects(runs.logBatch(ctx, broken), withCode('invalid_input'))
  const { params, metrics, tags } = await runs.get(ctx, { run: id })
  assert.deepEqual({ params, metrics }, { params: { depth: '3', rate: '0.1' }, metrics: {} })
  assert.equal('a' in tags, false)
})

test('batches that arrive together fail and succeed each on its own', async (t) => {
  const ctx = await testContext(t)
  const { id } = await runs.create(ctx, { experiment: 'delays', params: { depth: '3' } })
  const results = await Promise.allSettled([
    ...Array.from({ length: 20 }, (_, step) =>
      runs.logBatch(ctx, { run: id, metrics: [{ key: 'm', value: step, step }] }),
    ),
    runs.logBatch(ctx, { run: id, params: { depth: '4' } }),
    runs.logBatch(ctx, { run: 'nobody', metrics: [{ key: 'm', value: 1 }] }),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    [...Array.from({ length: 20 }, () => 'fulfilled'), 'rejected', 'rejected'],
  )
  const { items } = await runs.metricHistory(ctx, { run: id, key: 'm' })
  assert.deepEqual(
    items.map(({ value }) => value),
    Array.from({ length: 20 }, (_, step) => step),
  )
})

test('a history is read page by page in order of steps', async (t) => {
  const ctx = await testContext(t)
  const { id } = await runs.create(ctx, { experiment: 'delays' })
  const steps = [4, 0, 3, 1, 2]
  await runs.logBatch(ctx, { run: id, metrics: steps.map((step) => ({ key: 'm', value: step * 10, step })) })
  const read: number[] = []
  let cursor: string | undefined
  do {
    const page = await runs.metricHistory(ctx, { run: id, key: 'm', limit: 2, ...(cursor ? { cursor } : {}) })
    read.push(...page.items.map(({ step }) => step))
    cursor = page.next
  } while (cursor)
  assert.deepEqual(read, [0, 1, 2, 3, 4])
})

test('a sample of a long history holds its ends and at most as many points as asked for', async (t) => {
  const ctx = await testContext(t)
  const { id } = await runs.create(ctx, { experiment: 'delays' })
  await runs.log(ctx, {
    run: id,
    metrics: Array.from({ length: 1000 }, (_, step) => ({ key: 'm', value: step, step, at: 0 })),
  })
  const sample = await runs.samplePoints(ctx, { run: id, key: 'm', from: undefined, to: undefined, count: 10 })
  assert.equal(sample.length, 10)
  assert.deepEqual([sample[0]?.step, sample.at(-1)?.step], [0, 999])
  const steps = sample.map(({ step }) => step)
  assert.deepEqual(
    steps,
    [...new Set(steps)].sort((a, b) => a - b),
  )
  const few = await runs.samplePoints(ctx, { run: id, key: 'm', from: 5, to: 7, count: 10 })
  assert.deepEqual(
    few.map(({ step }) => step),
    [5, 6, 7],
  )
})

test('a deleted run takes no more, is found only when asked for, and comes back', async (t) => {
  const ctx = await testContext(t)
  const run = await runs.recordRun(ctx, { experimentId: '0' })
  await runs.deleteRun(ctx, { run: run.id })
  await assert.rejects(runs.logBatch(ctx, { run: run.id, tags: { a: 'b' } }), withCode('conflict'))
  assert.deepEqual((await runs.findRecords(ctx, active)).records, [])
  assert.equal((await runs.findRecords(ctx, { ...active, view: 'deleted' })).records.length, 1)
  await runs.restoreRun(ctx, { run: run.id })
  assert.equal((await runs.findRecords(ctx, active)).records.length, 1)
})

test('an experiment takes its runs along when it is deleted and restored', async (t) => {
  const ctx = await testContext(t)
  const { id } = await runs.createExperiment(ctx, { name: 'delays' })
  const kept = await runs.recordRun(ctx, { experimentId: id })
  const gone = await runs.recordRun(ctx, { experimentId: id })
  await runs.deleteRun(ctx, { run: gone.id })
  await runs.deleteExperiment(ctx, { id })
  assert.equal((await runs.getRecord(ctx, kept.id)).deleted, true)
  await assert.rejects(runs.recordRun(ctx, { experimentId: id }), withCode('conflict'))
  await runs.restoreExperiment(ctx, { id })
  assert.equal((await runs.getRecord(ctx, kept.id)).deleted, false)
  assert.equal((await runs.getRecord(ctx, gone.id)).deleted, true)
})

test('the name of a run and its name tag are one value', async (t) => {
  const ctx = await testContext(t)
  const { id, name } = await runs.recordRun(ctx, { experimentId: '0' })
  assert.notEqual(name, '')
  await runs.logBatch(ctx, { run: id, tags: { [runs.nameTag]: 'tagged' } })
  assert.equal((await runs.getRecord(ctx, id)).name, 'tagged')
  await runs.updateRun(ctx, { run: id, name: 'updated' })
  const { tags } = await runs.get(ctx, { run: id })
  assert.deepEqual(tags, { [runs.nameTag]: 'updated' })
})

test('pages of runs hold each run once, in every order', async (t) => {
  const ctx = await testContext(t)
  const values = [0.5, Number.NaN, undefined, -1, Number.POSITIVE_INFINITY, 0.5, undefined, Number.NaN, 2]
  for (const [index, value] of values.entries()) {
    const run = await runs.recordRun(ctx, {
      experimentId: '0',
      startedAt: index % 3,
      tags: { rank: String(index % 4) },
    })
    if (value !== undefined) await runs.log(ctx, { run: run.id, metrics: [{ key: 'm', value, step: 0, at: 0 }] })
  }
  const orders: runs.Order[][] = [
    [],
    [{ on: 'metric', key: 'm', descending: true }],
    [{ on: 'metric', key: 'm', descending: false }],
    [
      { on: 'tag', key: 'rank', descending: true },
      { on: 'metric', key: 'm', descending: true },
    ],
    [{ on: 'attribute', key: 'started_at', descending: false }],
  ]
  for (const order of orders) {
    const whole = (await runs.findRecords(ctx, { ...active, order })).records.map(({ id }) => id)
    assert.equal(new Set(whole).size, values.length)
    for (const limit of [1, 2, 4]) {
      const paged: string[] = []
      let cursor: string | undefined
      do {
        const page = await runs.findRecords(ctx, { ...active, order, limit, ...(cursor ? { cursor } : {}) })
        paged.push(...page.records.map(({ id }) => id))
        cursor = page.next
      } while (cursor)
      assert.deepEqual(paged, whole)
    }
  }
})

test('ordered by a metric, numbers come first, then NaN, then runs without it, in both directions', async (t) => {
  const ctx = await testContext(t)
  const named: [string, number | undefined][] = [
    ['none', undefined],
    ['nan', Number.NaN],
    ['two', 2],
    ['infinite', Number.POSITIVE_INFINITY],
    ['one', 1],
  ]
  for (const [name, value] of named) {
    const run = await runs.recordRun(ctx, { experimentId: '0', name })
    if (value !== undefined) await runs.log(ctx, { run: run.id, metrics: [{ key: 'm', value, step: 0, at: 0 }] })
  }
  for (const experiments of [[0], undefined]) {
    const names = async (descending: boolean) => {
      const order: runs.Order[] = [{ on: 'metric', key: 'm', descending }]
      return (await runs.findRecords(ctx, { ...active, experiments, order })).records.map(({ name }) => name)
    }
    assert.deepEqual(await names(true), ['infinite', 'two', 'one', 'nan', 'none'])
    assert.deepEqual(await names(false), ['one', 'two', 'infinite', 'nan', 'none'])
  }
})

test('LIKE looks at case and ILIKE does not; a missing key matches neither a value nor its opposite', async (t) => {
  const ctx = await testContext(t)
  for (const [name, value] of [
    ['a', 'Alpha_1'],
    ['b', 'alpha%2'],
    ['c', undefined],
  ] as const) {
    await runs.recordRun(ctx, { experimentId: '0', name, tags: value === undefined ? {} : { t: value } })
  }
  const found = async (
    operator: '=' | '!=' | 'like' | 'ilike' | 'in' | 'is null' | 'is not null',
    value: string | string[] = '',
  ) => {
    const conditions: runs.Condition[] = [{ on: 'tag', key: 't', operator, value }]
    const { records } = await runs.findRecords(ctx, { ...active, conditions })
    return records.map(({ name }) => name).sort()
  }
  assert.deepEqual(await found('like', 'Alpha%'), ['a'])
  assert.deepEqual(await found('ilike', 'ALPHA%'), ['a', 'b'])
  assert.deepEqual(await found('!=', 'Alpha_1'), ['b'])
  assert.deepEqual(await found('is null'), ['c'])
  assert.deepEqual(await found('is not null'), ['a', 'b'])
  assert.deepEqual(await found('in', ['alpha%2', 'x']), ['b'])
  assert.deepEqual(await found('like', 'Alpha\\'), [])
  assert.deepEqual(await found('=', "' or 1=1 --"), [])
})
