import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folder.ts'
import type { AppError } from '../../core/errors.ts'
import { openLake } from '../../core/lake.ts'
import type { Row, TableOptions } from '../../core/tables/tables.ts'
import type { ModelSpec } from '../../domains/registry/spec/spec.ts'
import { readGoldenItems } from './golden-file.ts'

type GoldenFileOptions = TableOptions & { time?: string }

function readItems(path: string, { time, ...options }: GoldenFileOptions = {}): Promise<Row[]> {
  const definition = { golden: 'g', file: 'golden/set', id: 'id', label: 'y', ...(time === undefined ? {} : { time }) }
  const neighbours = { models: [], features: [] }
  return readGoldenItems(definition, { ...options, path, neighbours, say: () => undefined })
}

function writer(t: TestContext) {
  const folder = temporaryFolder(t)
  return (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
}

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

test('what the models of a golden set read decides the types of its columns', async (t) => {
  const write = writer(t)
  const features = [
    {
      entities: [],
      views: [],
      services: [
        {
          name: 'svc',
          request: [
            { name: 'code', type: 'string' as const },
            { name: 'size', type: 'number' as const },
          ],
        },
      ],
    },
  ]
  const models = [{ golden: 'g', serves: { service: 'svc', output: 'regression' } } as ModelSpec]
  const read = (path: string) =>
    readGoldenItems(
      { golden: 'g', file: 'g.csv', id: 'id', label: 'y' },
      { path, neighbours: { models, features }, say: () => undefined },
    )
  const csv = write('g.csv', 'id,code,size,y\na,7,1.50,2\nb,1.50,.5,3.25\nc,true,NA,1\n')
  assert.deepEqual(
    (await read(csv)).map(({ code, size, y }) => [code, size, y]),
    [
      ['7', 1.5, 2],
      ['1.50', 0.5, 3.25],
      ['true', null, 1],
    ],
  )
  await assert.rejects(read(write('bad.csv', 'id,code,size,y\na,7,large,2\n')), /row 1, column "size": "large"/)
})

test('without a service the signature of the newest version decides, and a set may say how its file is written', async (t) => {
  const write = writer(t)
  const models = [{ model: 'm', golden: 'g', serves: { output: 'regression' } } as ModelSpec]
  const inputsOf = async (model: string) =>
    model === 'm'
      ? [
          { name: 'code', type: 'string' as const },
          { name: 'id', type: 'integer' as const },
        ]
      : []
  const definition = { golden: 'g', file: 'g.csv', id: 'id', label: 'y', time: 'at', separator: ';' }
  const items = await readGoldenItems(
    { ...definition, decimal: ',', encoding: 'windows-1252', time_format: '%d/%m/%Y' },
    {
      path: write('g.csv', 'id;code;y;at\n007;7;1,5;03/04/2026\n008;9;2,5;04/04/2026\n'),
      neighbours: { models, features: [], inputsOf },
      say: () => undefined,
    },
  )
  assert.deepEqual(items[0], { id: '007', code: '7', y: 1.5, at: '2026-04-03T00:00:00.000Z' })
})

test('times of Parquet become ISO texts, and what is no number becomes nothing', async (t) => {
  const path = join(temporaryFolder(t), "it's.parquet")
  const lake = openLake()
  t.after(() => lake.close())
  await lake.writeParquet(path, `select timestamp '2026-01-02 03:04:05' as at, 'nan'::double as score`)
  assert.deepEqual(await readItems(path), [{ at: '2026-01-02T03:04:05.000Z', score: null }])
})

test('a time is ISO 8601 and stays as it is written, or has the form that is named', async (t) => {
  const write = writer(t)
  const iso = write('iso.csv', 'id,at,y\na,2026-03-01 01:30,1\n')
  assert.deepEqual((await readItems(iso, { time: 'at' }))[0]?.['at'], '2026-03-01 01:30')
  const dayFirst = write('day.csv', 'id,at,y\na,01/02/2026,1\n')
  await assert.rejects(readItems(dayFirst, { time: 'at' }), /row 1, column "at": "01\/02\/2026" is not a time/)
  const read = await readItems(dayFirst, { time: 'at', timeFormat: '%d/%m/%Y' })
  assert.deepEqual(read[0]?.['at'], '2026-02-01T00:00:00.000Z')
})

test('what only claims to be Parquet is refused by its name', async (t) => {
  const path = join(temporaryFolder(t), 'set.parquet')
  writeFileSync(path, 'id,late\n')
  await assert.rejects(
    readItems(path),
    (error: AppError) => error.code === 'invalid_file' && /"golden\/set" is not a Parquet file/.test(error.message),
  )
})
