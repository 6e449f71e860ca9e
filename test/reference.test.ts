import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { referencePages } from '../scripts/reference/pages.ts'

test('the reference says what the code says; "npm run reference" writes it', async () => {
  for (const [name, text] of Object.entries(await referencePages())) {
    const written = readFileSync(join(import.meta.dirname, '../docs/reference', name), 'utf8')
    assert.ok(written === text, `docs/reference/${name} is out of date`)
  }
})
