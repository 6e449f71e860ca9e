import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { openLake } from '../../core/lake.ts'
import type { OutputKind } from '../../domains/registry/contract.ts'
import { type Label, readLabels } from './labels.ts'

function reader(t: TestContext) {
  const folder = temporaryFolder(t)
  return async (name: string, text?: string, output?: OutputKind) => {
    const path = join(folder, name)
    if (text !== undefined) writeFileSync(path, text)
    const labels: Label[] = []
    for await (const some of await readLabels(path, { shown: name, output }, () => undefined)) labels.push(...some)
    return labels
  }
}

test('an id of a label stays as it is written, with its zeros and all of its digits', async (t) => {
  const read = reader(t)
  assert.deepEqual(await read('a.csv', 'id,value\n0012,1\n12345678901234567890,0\n1e3,1.50\n'), [
    { id: '0012', value: 1 },
    { id: '12345678901234567890', value: 0 },
    { id: '1e3', value: 1.5 },
  ])
  assert.deepEqual(await read('a.jsonl', '{"id":"x","value":true}\n{"id":12345678901234567890,"value":0.5}\n'), [
    { id: 'x', value: 1 },
    { id: '12345678901234567890', value: 0.5 },
  ])
})

test('labels come from Parquet as from any other file of rows', async (t) => {
  const lake = openLake()
  t.after(() => lake.close())
  const path = join(temporaryFolder(t), 'labels.parquet')
  await lake.writeParquet(path, `select 9007199254740993 as id, true as value`)
  const labels: Label[] = []
  for await (const some of await readLabels(path, { shown: path }, () => undefined)) labels.push(...some)
  assert.deepEqual(labels, [{ id: '9007199254740993', value: 1 }])
})

test('a row without an outcome is no zero: it is refused by its row and column, before any label is handed on', async (t) => {
  const read = reader(t)
  await assert.rejects(read('a.csv', 'id,value\nx,1\ny,\n'), /row 2, column "value": the value is missing/)
  await assert.rejects(read('a.csv', 'id,outcome\nx,1\n'), /row 1, column "value": the value is missing/)
  await assert.rejects(read('a.csv', 'key,value\nx,1\n'), /row 1, column "id": the value is missing/)
  await assert.rejects(read('a.csv', 'id,value\nx,late\n'), /row 1, column "value": "late" must be a number/)
  await assert.rejects(read('a.jsonl', '{"id":"x","value":"late"}\n'), /row 1, column "value": "late" is no number/)
})

test('a class stays as it is written, a text has an expected one or a score, and a list its relevances', async (t) => {
  const read = reader(t)
  assert.deepEqual(await read('a.csv', 'id,value\nx,007\ny,true\n', 'multiclass'), [
    { id: 'x', value: '007' },
    { id: 'y', value: 'true' },
  ])
  assert.deepEqual(await read('b.csv', 'id,value,score\nx,Paris,\ny,,0.5\n', 'text'), [
    { id: 'x', value: 'Paris' },
    { id: 'y', value: 0.5 },
  ])
  assert.deepEqual(await read('c.csv', 'id,value\nx,2\ny,"[1,0]"\n', 'ranking'), [
    { id: 'x', value: '2' },
    { id: 'y', value: '[1,0]' },
  ])
  assert.deepEqual(await read('c.jsonl', '{"id":"x","value":{"a":1}}\n', 'ranking'), [{ id: 'x', value: '{"a":1}' }])
  await assert.rejects(read('d.csv', 'id,value\nx,\n', 'multiclass'), /column "value": the value is missing/)
})
