import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { encodeOnnx, type Graph } from '../../../examples/flights/src/onnx.ts'
import { AppError } from '../errors.ts'
import { type ModelUse, openOnnx } from './models.ts'

const fixture = (name: string) => readFileSync(new URL(`../../../test/fixtures/models/${name}.onnx`, import.meta.url))

async function open(t: TestContext, bytes: Uint8Array, use: ModelUse = {}) {
  const model = await openOnnx(bytes, { strict: true, ...use })
  t.after(() => model.close())
  return model
}

const table = (graph: Partial<Graph>) =>
  encodeOnnx({
    name: 'table',
    inputs: [{ name: 'x', type: 'float', width: 3 }],
    outputs: [{ name: 'y', type: 'float', width: 3 }],
    constants: [],
    nodes: [{ op: 'Identity', inputs: ['x'], output: 'y' }],
    ...graph,
  })

const people = [
  { age: 0.346, tenure: 0.822, calls: 0.33 },
  { age: -1.303, tenure: 0.905, calls: 0.446 },
]
const chances = [0.5282874069571262, 0.1890992017349822]

for (const name of ['zipmap', 'label-and-probabilities']) {
  test(`of a classifier's label and probabilities (${name}) the probability of the positive class is the score, and the label the class`, async (t) => {
    const scored = await open(t, fixture(name), { output: { kind: 'score' } })
    const answers = await scored.predict(people)
    for (const [index, chance] of chances.entries()) assert.ok(Math.abs(Number(answers[index]) - chance) < 1e-6)
    const labelled = await open(t, fixture(name), { output: { kind: 'class' } })
    assert.deepEqual(await labelled.predict(people), [1, 0])
    const other = await open(t, fixture(name), { output: { kind: 'score', classes: ['0', '1'], positive: '0' } })
    assert.ok(Math.abs(Number((await other.predict(people))[0]) - (1 - (chances[0] ?? 0))) < 1e-6)
  })
}

test('where no output can be what is wanted, all are named with their types and shapes, and how to say it', async (t) => {
  const refused = (wanted: ModelUse['output'], message: RegExp) =>
    assert.rejects(open(t, fixture('zipmap'), { output: wanted }), (error: AppError) => {
      assert.ok(error instanceof AppError)
      assert.equal(error.code, 'model_mismatch')
      assert.match(error.message, message)
      assert.match(error.hint ?? '', /"output": \{"name":"/)
      return true
    })
  await refused({ kind: 'value' }, /"output_label" int64 \[N\]; "output_probability" float32 \[N, 2\]/)
  await refused({ kind: 'score', name: 'output_label' }, /"output_label" int64 \[N\] cannot be the score/)
  await refused({ kind: 'vector', name: 'output_probability' }, /A vector is not one answer/)
  const said = await open(t, fixture('zipmap'), { output: { kind: 'score', said: true, name: 'output_label' } })
  assert.deepEqual(await said.predict(people), [1, 0])
})

test('one tensor of several columns is filled in the order that was said, and without it refused with the line to write', async (t) => {
  const [row] = [{ a: 1, b: 2, c: 3 }]
  const use = { output: { kind: 'value' as const, column: 0 } }
  const model = await open(t, table({}), { ...use, columns: ['c', 'a', 'b'] })
  assert.deepEqual(await model.predict([row, { ...row, c: 9 }]), [3, 9])
  const byName = await open(t, table({}), { ...use, columns: { x: ['b', 'a', 'c'] } })
  assert.deepEqual(await byName.predict([row]), [2])
  await assert.rejects(open(t, table({}), { ...use, known: ['a', 'b', 'c'] }), (error: AppError) => {
    assert.equal(error.hint, 'Say them in their order in the signature: "columns": {"x":["a","b","c"]}.')
    return error.code === 'model_mismatch' && /"x" float32 \[N, 3\]/.test(error.message)
  })
  await assert.rejects(open(t, table({}), { ...use, columns: { z: ['a'] } }), /names the input "z"/)
})

test('columns of probabilities without a label are a class by their names', async (t) => {
  const use: ModelUse = { columns: ['a', 'b', 'c'], output: { kind: 'class', classes: ['red', 'green', 'blue'] } }
  const model = await open(t, table({}), use)
  assert.deepEqual(
    await model.predict([
      { a: 0.1, b: 0.7, c: 0.2 },
      { a: 0.5, b: 0.2, c: 0.3 },
    ]),
    ['green', 'red'],
  )
  await assert.rejects(open(t, table({}), { ...use, output: { kind: 'class' } }), /No output can be the class/)
})

for (const name of ['one-row', 'rank-1']) {
  test(`a model of a fixed batch or of rank 1 (${name}) is asked in the rows that it takes`, async (t) => {
    const model = await open(t, fixture(name), { output: { kind: 'value' } })
    const rows = Array.from({ length: 7 }, (_, index) => ({ x: index / 2 }))
    const together = await model.predict(rows)
    const alone = []
    for (const row of rows) alone.push(...(await model.predict([row])))
    assert.deepEqual(together, alone)
    assert.equal(new Set(together).size, rows.length)
  })
}

test('a missing number is NaN and a missing text empty; what is no number, or does not fit an integer, is refused', async (t) => {
  const model = await open(t, fixture('missing'))
  const rows = [
    { income: 50, age: 40 },
    { income: null, age: 40 },
    { income: 7, age: null },
  ]
  assert.deepEqual(await model.predict(rows), [90, 540, 7])
  await assert.rejects(model.predict([{ income: 'high', age: 40 }]), /"income" must be a number/)
  const categories = await open(t, fixture('categories'))
  const expected = { '007': 0.5064866208940089, '7': 100.50288417423383, '': 500.50907749330554 }
  const answers = await categories.predict(Object.keys(expected).map((code) => ({ code, size: 0.5 })))
  for (const [index, right] of Object.values(expected).entries())
    assert.ok(Math.abs(Number(answers[index]) - right) < 1e-4)
})

test('an input of any name is a plain key, also one that every object inherits', async (t) => {
  const names = ['__proto__', 'constructor']
  const bytes = encodeOnnx({
    name: 'names',
    inputs: names.map((name) => ({ name, type: 'float' as const, width: 1 })),
    outputs: [{ name: 'toString', type: 'float', width: 1 }],
    constants: [],
    nodes: [{ op: 'Add', inputs: names, output: 'toString' }],
  })
  const model = await open(t, bytes)
  const row = (text: string) => JSON.parse(text) as Record<string, number>
  assert.equal(model.facts.outputs[0]?.classes, undefined)
  assert.doesNotThrow(() => structuredClone(model.facts), 'it travels between threads')
  assert.deepEqual(await model.predict([row('{"__proto__": 2, "constructor": 3}')]), [5])
  assert.deepEqual(await model.predict([row('{"constructor": 3}')]), [Number.NaN])
  assert.deepEqual(
    (
      await open(t, bytes, { columns: row('{"__proto__": ["a"], "constructor": ["b"]}') as never })
    ).facts.inputs.flatMap(({ columns }) => columns),
    ['a', 'b'],
  )
})
