import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { columnNames, encode, type Input, type Row } from './encoding.ts'
import { train } from './fit.ts'
import { readFlights } from './flights.ts'
import { type LogisticModel, predict, signatureOf, toOnnx } from './logistic-model.ts'

const inputs: Input[] = [
  { name: 'distance', kind: 'number' },
  { name: 'rate', kind: 'number' },
  { name: 'hour', kind: 'category', categories: [0, 6, 23] },
  { name: 'origin', kind: 'text', categories: ['ATL', 'BOS', 'Zürich'] },
]
const small: LogisticModel = {
  inputs,
  regression: {
    intercept: -1.25,
    coefficients: [0.4, -0.7, 0.1, 0.2, -0.3, 0.5, -0.25, 1],
    means: [700, 0.25, 0.1, 0.4, 0.3, 0.3, 0.4, 0.2],
    scales: [150, 0.2, 0.3, 0.5, 0.45, 0.45, 0.5, 0.4],
    iterations: 1,
  },
}

test('the ONNX file answers as the model does, also for missing values and unknown categories', async () => {
  const session = await InferenceSession.create(toOnnx(small))
  const row = fc.record({
    distance: fc.option(fc.double({ min: 0, max: 3000, noNaN: true })),
    rate: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    hour: fc.option(fc.integer({ min: 0, max: 23 })),
    origin: fc.option(fc.constantFrom('ATL', 'BOS', 'Zürich', 'JFK', '')),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      const answers = await run(session, small, rows)
      for (const [index, answer] of answers.entries()) {
        assert.ok(Math.abs(answer - predict(small, rows[index] ?? {})) < 1e-6)
      }
    }),
  )
})

test('a model trained on flights gives the same probabilities as a file, to one part in a million', async () => {
  const flights = readFlights(new URL('../data/flights.csv.gz', import.meta.url)).slice(0, 3000)
  const { model } = train(
    { rows: flights, labels: flights.map(({ late }) => late) },
    {
      features: ['hour', 'weekday', 'distance', 'origin', 'destination'],
      categorical: ['hour', 'weekday', 'origin', 'destination'],
      l2: 1,
    },
  )
  const answers = await run(await InferenceSession.create(toOnnx(model)), model, flights)
  const worst = Math.max(...answers.map((answer, index) => Math.abs(answer - predict(model, flights[index] ?? {}))))
  assert.equal(answers.length, 3000)
  assert.ok(worst < 1e-6, `differs by ${worst}`)
})

test('the file takes each input by its name and answers `probability`, as its signature says', async () => {
  const session = await InferenceSession.create(toOnnx(small))
  assert.deepEqual(signatureOf(small), {
    inputs: [
      { name: 'distance', type: 'number' },
      { name: 'rate', type: 'number' },
      { name: 'hour', type: 'number' },
      { name: 'origin', type: 'string' },
    ],
    output: { name: 'probability', type: 'number' },
  })
  assert.deepEqual([...session.inputNames], ['distance', 'rate', 'hour', 'origin'])
  assert.deepEqual([...session.outputNames], ['probability'])
})

test('a file with more categories than one byte counts still loads', async () => {
  const categories = Array.from({ length: 300 }, (_, index) => `airport ${index}`)
  const wide: LogisticModel = {
    inputs: [{ name: 'origin', kind: 'text', categories }],
    regression: {
      intercept: 0,
      coefficients: categories.map((_, index) => index / 300),
      means: categories.map(() => 0),
      scales: categories.map(() => 1),
      iterations: 1,
    },
  }
  const [answer = 0] = await run(await InferenceSession.create(toOnnx(wide)), wide, [{ origin: 'airport 299' }])
  assert.ok(Math.abs(answer - 1 / (1 + Math.exp(-299 / 300))) < 1e-6)
})

test('the same model gives the same bytes', () => {
  assert.deepEqual(toOnnx(small), toOnnx(small))
})

test('an input named like a part of the graph is refused', () => {
  const clash: LogisticModel = { ...small, inputs: [{ name: 'probability', kind: 'number' }] }
  assert.throws(() => toOnnx(clash), /"probability" cannot be the name/)
})

test('categories become columns in the order of their names, unknown ones none', () => {
  assert.deepEqual(columnNames(inputs).slice(2), [
    'hour=0',
    'hour=6',
    'hour=23',
    'origin=ATL',
    'origin=BOS',
    'origin=Zürich',
  ])
  const row = { distance: 1, rate: null, hour: 6, origin: 'JFK' }
  assert.deepEqual([...encode(inputs, row)], [1, Number.NaN, 0, 1, 0, 0, 0, 0])
})

/** Feeds rows by name as a server would: a missing number is NaN, a missing text is ''. */
async function run(session: InferenceSession, model: LogisticModel, rows: readonly Row[]): Promise<number[]> {
  const feeds = signatureOf(model).inputs.map(({ name, type }) => {
    const values = rows.map((row) => row[name] ?? null)
    const shape = [rows.length, 1]
    const tensor =
      type === 'string'
        ? new Tensor(
            'string',
            values.map(String).map((value) => (value === 'null' ? '' : value)),
            shape,
          )
        : new Tensor(
            'float32',
            Float32Array.from(values, (value) => (value === null ? Number.NaN : Number(value))),
            shape,
          )
    return [name, tensor] as const
  })
  const { probability } = await session.run(Object.fromEntries(feeds))
  assert.deepEqual(probability?.dims, [rows.length, 1])
  return [...(probability?.data ?? [])].map(Number)
}
