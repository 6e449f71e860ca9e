import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { readGoldenItems } from '../../src/cli/files/golden-file.ts'
import { exactJson } from '../../src/core/json/json.ts'
import { openLake } from '../../src/core/lake.ts'
import { openTable, type Row, type Table, writeTable } from '../../src/core/tables/tables.ts'
import * as datasets from '../../src/domains/datasets/datasets.ts'
import { testContext } from '../support/context.ts'
import { temporaryFolder } from '../support/folder.ts'

const columns = ['text', 'whole', 'number', 'constructor', 'at'] as const
type Ugly = Record<(typeof columns)[number], string>

const types = new Map([
  ['text', 'string'],
  ['whole', 'integer'],
  ['number', 'number'],
  ['constructor', 'string'],
  ['at', 'time'],
] as const)

const texts = fc.oneof(
  fc.constantFrom('007', '1e3', 'NA', 'true', ' 7', 'a"b', 'a,b', 'a\nb', '1,5', 'ü🙂', '__proto__'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }).filter((text) => !text.includes('\u0000')),
)
const row: fc.Arbitrary<Ugly> = fc.record({
  text: texts,
  whole: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    fc.constantFrom('9007199254740993', 'NA', ''),
  ),
  number: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), fc.constantFrom('.5', '+1', 'NaN')),
  constructor: texts,
  at: fc.constantFrom('2026-03-01 01:30', '2026-03-01', '2026-03-01T01:30:00.250+05:30', '1950-12-31T23:59:59Z'),
})

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`

async function rowsOf(table: Table): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of table.read()) rows.push(...batch)
  return rows
}

test('an ugly table is the same by CSV, JSON lines, Parquet, golden set and rows of the API, value by value', async (t) => {
  const ctx = await testContext(t)
  const folder = temporaryFolder(t)
  const lake = openLake()
  t.after(() => lake.close())
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 4 }), async (ugly) => {
      run += 1
      const path = (ending: string) => join(folder, `t${run}${ending}`)
      const csv = ugly.map((values) => columns.map((name) => quoted(values[name])).join(';')).join('\n')
      writeFileSync(path('.csv'), `${columns.join(';')}\n${csv}\n`)
      writeFileSync(path('.jsonl'), ugly.map((values) => `${JSON.stringify(values)}\n`).join(''))
      const fromCsv = await openTable(path('.csv'), { types, separator: ';' })
      const rows = await rowsOf(fromCsv)
      assert.deepEqual(await rowsOf(await openTable(path('.jsonl'), { types })), rows)
      await writeTable(lake, fromCsv, path('.parquet'))
      assert.deepEqual(await rowsOf(await openTable(path('.parquet'), { types })), rows)
      const request = [
        { name: 'text', type: 'string' as const },
        { name: 'constructor', type: 'string' as const },
      ]
      const golden = await readGoldenItems(
        { golden: 'g', file: 'g', id: 'text', label: 'number' },
        {
          path: path('.csv'),
          separator: ';',
          neighbours: {
            models: [{ golden: 'g', serves: { service: 's', output: 'regression' } } as never],
            features: [{ entities: [], views: [], services: [{ name: 's', request }] }],
          },
          say: () => undefined,
        },
      )
      const some = (all: Row[]) => all.map((one) => [one['text'], one['constructor'], one['number']])
      assert.deepEqual(some(golden), some(rows))
      const source = `s${run}`
      const expectations = [...types].flatMap(([column, type]) => (type === 'time' ? [] : [{ column, type }]))
      await datasets.applySource(ctx, { source, owner: 'ana@team.example', time: 'at', expectations })
      await datasets.append(ctx, { source, rows: ugly })
      const stored = await datasets.withSource(ctx, { source }, (lake, table) =>
        lake.query(`select text, whole::varchar as whole, number, constructor from ${table} order by _seq`),
      )
      assert.deepEqual(
        stored.map(({ text, whole, number, constructor: name }) => [text, whole, number, name]),
        rows.map((one) => [
          one['text'],
          one['whole'] === null ? null : String(one['whole']),
          one['number'],
          one['constructor'],
        ]),
        exactJson(rows),
      )
    }),
    { numRuns: Number(process.env['TEST_PROPERTY_RUNS'] ?? 15) },
  )
})
