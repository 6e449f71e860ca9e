import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { type Outcome, readOutcomes } from './outcomes.ts'

test('outcomes of a file keep ids and names as written, and what is no outcome is refused by row and column', async (t) => {
  const folder = temporaryFolder(t)
  const read = async (name: string, text: string, given?: string) => {
    writeFileSync(join(folder, name), text)
    const found: Outcome[] = []
    for await (const some of await readOutcomes(join(folder, name), { shown: name, name: given }, () => undefined))
      found.push(...some)
    return found
  }
  assert.deepEqual(await read('a.csv', 'prediction,value\n007,true\n1e3,0\n', 'thumbs'), [
    { prediction: '007', name: 'thumbs', value: 1 },
    { prediction: '1e3', name: 'thumbs', value: 0 },
  ])
  const line = '{"id":"o1","unit":"u1","name":"revenue","value":12.5,"at":"2026-01-01"}\n'
  assert.deepEqual(await read('a.jsonl', line), [
    { id: 'o1', unit: 'u1', name: 'revenue', value: 12.5, at: '2026-01-01' },
  ])
  await assert.rejects(read('b.csv', 'prediction,value\na,1\n'), /row 1, column "name": the value is missing/)
  await assert.rejects(read('b.csv', 'prediction,value\na,\n', 'x'), /row 1, column "value": the value is missing/)
  await assert.rejects(read('b.csv', 'prediction,value\na,much\n', 'x'), /row 1, column "value": "much" is no number/)
  await assert.rejects(read('b.csv', 'order,value\na,1\n', 'x'), /row 1, column "prediction": the value is missing/)
})
