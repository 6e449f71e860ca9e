import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseExactJson, repeatedName } from './json.ts'

const found = (text: string) => repeatedName(text, parseExactJson(text))

test('a name that one object has twice is found, however deep and however it is written', () => {
  assert.equal(found('{"a": 1, "a": 2}'), 'a')
  assert.equal(found('{"x": [{"a:": 1, "b": {"c": "d", "\\u0063": 2}}]}'), 'c')
  assert.equal(found('{"__proto__": 1, "__proto__": 2}'), '__proto__')
  assert.equal(found('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}], "c": "\\":\\\\"}'), undefined)
})

test('what was written of a value never has one', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(found(JSON.stringify(value)), undefined)))
})
