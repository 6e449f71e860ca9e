import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folder.ts'
import type { AppError } from '../../core/errors.ts'
import { openLake } from '../../core/lake.ts'
import { readItems } from './rows.ts'

test('a golden set reads the same from CSV, JSON lines and Parquet', async (t) => {
  const folder = temporaryFolder(t)
  const path = (name: string) => join(folder, name)
  writeFileSync(path('set.csv'), 'id,late,origin,delay\na,1,ORD,12.5\nb,0,LGA,\n')
  writeFileSync(
    path('set.jsonl'),
    '{"id":"a","late":1,"origin":"ORD","delay":12.5}\n{"id":"b","late":0,"origin":"LGA","delay":null}\n',
  )
  const lake = openLake()
  t.after(() => lake.close())
  await lake.writeParquet(
    path('set.parquet'),
    `select 'a' as id, 1::bigint as late, 'ORD' as origin, 12.5::double as delay union all select 'b', 0, 'LGA', null`,
  )
  const expected = [
    { id: 'a', late: 1, origin: 'ORD', delay: 12.5 },
    { id: 'b', late: 0, origin: 'LGA', delay: null },
  ]
  for (const name of ['set.csv', 'set.jsonl', 'set.parquet'])
    assert.deepEqual(await readItems(path(name)), expected, name)
})

test('times of Parquet become ISO texts, and what is no number becomes nothing', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, "it's.parquet")
  const lake = openLake()
  t.after(() => lake.close())
  await lake.writeParquet(path, `select timestamp '2026-01-02 03:04:05' as at, 'nan'::double as score`)
  assert.deepEqual(await readItems(path), [{ at: '2026-01-02T03:04:05.000Z', score: null }])
})

test('what only claims to be Parquet is refused by its name', async (t) => {
  const path = join(temporaryFolder(t), 'set.parquet')
  writeFileSync(path, 'id,late\n')
  await assert.rejects(
    readItems(path, 'golden/set.parquet'),
    (error: AppError) => error.code === 'invalid_file' && error.offender === 'golden/set.parquet',
  )
})
