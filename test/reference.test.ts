import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exampleInput } from '../scripts/reference/examples.ts'
import { referencePages } from '../scripts/reference/pages.ts'
import { api } from '../src/contract.ts'
import type { Operation } from '../src/core/contract.ts'
import { parse } from '../src/core/validate.ts'

test('the reference says what the code says; "npm run reference" writes it', async () => {
  for (const [name, text] of Object.entries(await referencePages())) {
    const written = readFileSync(join(import.meta.dirname, '../docs/reference', name), 'utf8')
    assert.ok(written === text, `docs/reference/${name} is out of date`)
  }
})

test('the example of every operation is an input that the operation takes', () => {
  for (const [domain, operations] of Object.entries(api)) {
    for (const [name, operation] of Object.entries(operations as Record<string, Operation>)) {
      const id = `${domain}.${name}`
      assert.doesNotThrow(() => parse(operation.input, exampleInput(id, operation)), id)
    }
  }
})

test('an example that leaves out what the operation needs would be found', () => {
  const { setAlias } = api.registry
  assert.throws(() => parse(setAlias.input, { ...exampleInput('registry.setAlias', setAlias), version: undefined }))
})
