import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readLabels } from './labels.ts'

function reader(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'keel-labels-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return readLabels(path, name)
  }
}

test('an id of a label stays as it is written, with its zeros and all of its digits', (t) => {
  const read = reader(t)
  assert.deepEqual(read('a.csv', 'id,value\n0012,1\n12345678901234567890,0\n1e3,1\n'), [
    { id: '0012', value: 1 },
    { id: '12345678901234567890', value: 0 },
    { id: '1e3', value: 1 },
  ])
  assert.deepEqual(read('a.jsonl', '{"id":"x","value":true}\n'), [{ id: 'x', value: 1 }])
})

test('a row without an outcome is no zero: it is refused by its number', (t) => {
  const read = reader(t)
  assert.throws(() => read('a.csv', 'id,value\nx,1\ny,\n'), /row 2 has no "value"/)
  assert.throws(() => read('a.csv', 'id,outcome\nx,1\n'), /row 1 has no "value"/)
  assert.throws(() => read('a.csv', 'key,value\nx,1\n'), /row 1 has no "id"/)
  assert.throws(() => read('a.csv', 'id,value\nx,late\n'), /row 1 has the value "late"/)
})
