import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse as parseYaml } from 'yaml'
import { exampleInput } from '../scripts/reference/examples.ts'
import { fileSchemas } from '../scripts/reference/file-schemas.ts'
import { referencePages } from '../scripts/reference/pages.ts'
import { api } from '../src/contract.ts'
import type { Operation } from '../src/core/contract.ts'
import { parse } from '../src/core/validate.ts'

const root = join(import.meta.dirname, '..')

test('the reference says what the code says; "npm run reference" writes it', async () => {
  for (const [folder, texts] of Object.entries({ 'docs/reference': await referencePages(), schemas: fileSchemas() }))
    for (const [name, text] of Object.entries(texts)) {
      const written = readFileSync(join(root, folder, name), 'utf8')
      assert.ok(written === text, `${folder}/${name} is out of date`)
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

test('a published schema takes the files of the examples, and finds a name that does not exist', () => {
  const ajv = new Ajv({ strict: false, formats: { 'iso-date-time': true } })
  let looked = 0
  for (const [name, text] of Object.entries(fileSchemas())) {
    const kind = name.replace('.json', '')
    const takes = ajv.compile(JSON.parse(text) as object)
    for (const path of globSync(kind === 'keel' ? 'examples/*/keel.yaml' : `examples/*/${kind}/*.yaml`, {
      cwd: root,
    })) {
      const file = parseYaml(readFileSync(join(root, path), 'utf8')) as object
      assert.ok(takes(file), `${path}: ${ajv.errorsText(takes.errors)}`)
      assert.ok(!takes({ ...file, oner: 'ana' }), path)
      looked++
    }
  }
  assert.ok(looked >= 8, `only ${looked} were looked at`)
})
