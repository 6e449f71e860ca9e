import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSchema } from './mlflow-schema.ts'

const schema = (
  inputs: unknown,
  outputs: unknown = [{ type: 'tensor', 'tensor-spec': { dtype: 'int64', shape: [-1] } }],
) => readSchema({ inputs: JSON.stringify(inputs), outputs: JSON.stringify(outputs) })

test('columns of MLflow keep their names, their types and whether they may be missing', () => {
  const { signature, warnings } = schema([
    { name: 'age', type: 'long', required: true },
    { name: 'mean radius', type: 'double', required: false },
    { name: 'member', type: 'boolean' },
    { name: 'city', type: 'string' },
  ])
  assert.deepEqual(signature?.inputs, [
    { name: 'age', type: 'integer' },
    { name: 'mean radius', type: 'number', missing: true },
    { name: 'member', type: 'boolean' },
    { name: 'city', type: 'string' },
  ])
  assert.deepEqual(warnings, [])
  assert.deepEqual(signature?.output, { name: 'predictions', type: 'number' })
})

test('a tensor of n columns gets names, and it is said that nobody named them', () => {
  const { signature, warnings } = schema([{ type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 3] } }])
  assert.deepEqual(
    signature?.inputs.map(({ name }) => name),
    ['x0', 'x1', 'x2'],
  )
  assert.match(warnings.join(), /Its 3 inputs have no names: they are called x0 to x2/)
  const named = schema([{ name: 'X', type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 2] } }])
  assert.deepEqual(named.signature?.columns, { X: ['X_0', 'X_1'] })
})

test('inputs that no row can hold make no signature, and the reason is said', () => {
  for (const [inputs, reason] of [
    [
      [{ name: 'picture', type: 'tensor', 'tensor-spec': { dtype: 'uint8', shape: [-1, 28, 28] } }],
      /a tensor of uint8 \[-1, 28, 28\]/,
    ],
    [[{ name: 'blob', type: 'binary' }], /"blob" of type "binary"/],
    [[{ type: 'double' }], /a column without a name/],
    [
      [
        { name: 'a', type: 'double' },
        { name: 'a', type: 'double' },
      ],
      /one name/,
    ],
    [undefined, /logged without a signature/],
  ] as const) {
    const { signature, warnings } = schema(inputs)
    assert.equal(signature, undefined)
    assert.match(warnings.join(' '), reason)
  }
})

test('what is no schema at all is one that is not there', () => {
  for (const text of ['{', '7', '[7]', 'null', '[{"name": 7}]', undefined])
    assert.equal(readSchema({ inputs: text }).signature, undefined)
})

test('classes that are texts are said to be', () => {
  const { signature } = schema(
    [{ name: 'a', type: 'double' }],
    [{ type: 'tensor', 'tensor-spec': { dtype: '<U6', shape: [-1] } }],
  )
  assert.equal(signature?.output.type, 'string')
})
