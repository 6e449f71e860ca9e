import assert from 'node:assert/strict'
import { test } from 'node:test'
import { object, oneOf } from './contract.ts'
import type { AppError } from './errors.ts'
import { Type } from './shapes/shapes.ts'
import { parse } from './validate.ts'

const Shape = object({
  model: Type.String(),
  steps: Type.Array(Type.Integer()),
  kind: Type.Optional(oneOf(['data', 'prompt'])),
})

test('input is refused with every offending field and the nearest known name', () => {
  assert.throws(
    () => parse(Shape, { modle: 'x', steps: [1, 'two'], kind: 'promt' }),
    (error: AppError) => {
      assert.deepEqual(error.issues?.map(({ path }) => path).sort(), ['kind', 'model', 'modle', 'steps.1'])
      assert.match(error.hint ?? '', /Did you mean "(model|prompt)"\?/)
      return true
    },
  )
})

test('parsing never changes what it was given', () => {
  const WithDefault = object({ limit: Type.Optional(Type.Integer({ default: 5 })) })
  const given = {}
  assert.deepEqual(parse(WithDefault, given), { limit: 5 })
  assert.deepEqual(given, {})
})

test('the name of the prototype is a name like any other: refused where it is not known, kept where any is', () => {
  const given: unknown = JSON.parse('{"model": "x", "steps": [], "__proto__": {"kind": "data"}}')
  assert.throws(() => parse(Shape, given), /"__proto__" is not a known name/)
  const Any = Type.Record(Type.String(), Type.Any())
  assert.equal(JSON.stringify(parse(Any, given)), JSON.stringify(given))
})
