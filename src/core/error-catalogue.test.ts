import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { catalogue } from './error-catalogue.ts'

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
