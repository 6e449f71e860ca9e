import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { resolveConfig } from './config.ts'
import { object, oneOf } from './contract.ts'
import { catalogue } from './error-catalogue.ts'
import { type AppError, toAppError } from './errors.ts'
import { canonicalJson } from './json/canonical.ts'
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

test('a flag goes before the environment, that before keel.yaml, that before the default', () => {
  const file = { port: '3', host: 'c', log: 'info' }
  const { config, origins } = resolveConfig({
    flags: { port: '1' },
    environment: { KEEL_PORT: '2', KEEL_HOST: 'b' },
    file,
  })
  assert.deepEqual([config.port, config.host, config.log, config.data], ['1', 'b', 'info', '.keel'])
  assert.deepEqual(
    [origins.port, origins.host, origins.log, origins.data],
    ['flag', 'environment', 'keel.yaml', 'default'],
  )
})

test('equal values have equal canonical text, whatever the order of their keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse())
      assert.equal(canonicalJson(reversed), canonicalJson(value))
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('a full disk, a read-only file and a port in use have codes of their own', () => {
  const failure = (properties: object) => Object.assign(new Error('it failed'), properties)
  assert.equal(toAppError(failure({ code: 'ENOSPC' })).code, 'storage_full')
  assert.equal(toAppError(failure({ errcode: 13 })).code, 'storage_full')
  assert.equal(toAppError(failure({ errcode: 8 })).code, 'storage_read_only')
  assert.equal(toAppError(failure({ code: 'EADDRINUSE' })).code, 'port_in_use')
  assert.equal(toAppError(new TypeError('x')).code, 'internal')
})

test('every error has a status, an exit code of the design, a title, when it happens and what solves it', () => {
  for (const [code, { status, exit, title, when, fix }] of Object.entries(catalogue)) {
    assert.ok(status >= 400 && status < 600, code)
    assert.ok([1, 2, 5, 6, 130].includes(exit), code)
    assert.match(title, /^[A-Z].+[^.]$/)
    for (const sentence of [when, fix]) assert.match(sentence, /^[A-Z`].{20,}\.$/, code)
  }
})

test('every error of the catalogue is thrown somewhere: what nobody can meet is not documented', () => {
  const source = globSync('src/**/*.ts', {
    exclude: (path) => path.endsWith('.test.ts') || path.endsWith('error-catalogue.ts'),
  })
    .map((path) => readFileSync(path, 'utf8'))
    .join('')
  for (const code of Object.keys(catalogue)) assert.ok(source.includes(`'${code}'`), `"${code}" is never thrown`)
})
