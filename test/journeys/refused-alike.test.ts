import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { readGoldenItems } from '../../src/cli/files/golden-file.ts'
import { readLabels } from '../../src/cli/files/labels.ts'
import { openPredictionFile } from '../../src/cli/files/prediction-file.ts'
import type { Context } from '../../src/core/context.ts'
import { AppError } from '../../src/core/errors.ts'
import { literal, openLake } from '../../src/core/lake.ts'
import { openTable, type Row, type Table } from '../../src/core/tables/tables.ts'
import * as datasets from '../../src/domains/datasets/datasets.ts'
import * as features from '../../src/domains/features/features.ts'
import { fileDrift } from '../../src/domains/monitoring/monitoring.ts'
import { readFields } from '../../src/domains/registry/rows.ts'
import { testContext } from '../support/context.ts'
import { temporaryFolder } from '../support/folder.ts'

const types = { code: 'string', whole: 'integer', number: 'number', flag: 'boolean', moment: 'time' } as const
const columns = ['code', 'whole', 'number', 'flag', 'moment'] as const
type Texts = Record<(typeof columns)[number], string>
const declared = new Map(Object.entries(types))

const ugly = [
  '0x10',
  '1e999',
  '1_000',
  '1,5',
  '--1',
  '+1',
  '-0',
  '٣',
  '1 ',
  'Infinity',
  '1e3',
  '00012',
  '.5',
  '5.',
  'NA',
]
const long = [
  '9007199254740993',
  '18446744073709551615',
  '18446744073709551616',
  '99999999999999999999',
  '-9223372036854775808',
]
const longer = ['-9223372036854775809', '00000000000000000001', '9'.repeat(40)]
const flags = ['true', 'False', 'yes', '1', '0', '', 'TRUE', 'tRUE', 'constructor']
const moments = [
  '2026-03-29T02:30',
  '2026-02-30',
  '03/04/2026',
  '2026-03-01T25:00Z',
  '1899-12-31',
  '2201-01-01',
  '20260301',
  '2026-03-01T01:30:00+15:00',
  '2026-03-01T01:30:00.123456Z',
  '2026-11-01 01:30:00-0500',
  '1772330400000',
]
const texts = fc.oneof(
  fc.constantFrom(...ugly, ...long, ...longer, ...flags, 'a"b;\n', 'ü🙂'),
  fc.string({ maxLength: 4 }),
)
const text = texts.filter((one) => !one.includes('\u0000') && one.trim() === one)
const row: fc.Arbitrary<Texts> = fc.record({
  code: text,
  whole: fc.oneof(
    fc.constantFrom(...ugly, ...long, ...longer, ''),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }).map(String),
  ),
  number: fc.oneof(fc.constantFrom(...ugly, ''), fc.double().map(String)),
  flag: fc.constantFrom(...flags),
  moment: fc.oneof(
    fc.constantFrom(...moments, ''),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  ),
})

const zones = ['UTC', 'America/New_York', 'Asia/Kolkata']

/** Reads and stores in different zones, as a command line and a server far apart do. */
function inZone<T>(zone: string, work: () => Promise<T>): Promise<T> {
  const before = process.env['TZ']
  process.env['TZ'] = zone
  return work().finally(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
}

async function rowsOf(table: Table): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of table.read()) rows.push(...batch)
  return rows
}

type Answer = { rows: unknown[][] } | { status: number; cells: string[]; more: string }

/** What a door says of a table: its values, or which cells it refuses. */
async function saidBy(work: () => Promise<Row[]>): Promise<Answer> {
  try {
    return { rows: (await work()).map((one) => columns.map((column) => comparable(one[column]))) }
  } catch (error) {
    if (!(error instanceof AppError) || error.issues === undefined) throw error
    const [, more = ''] = /\(and (\d+) more\)/.exec(error.message) ?? []
    return { status: error.status, cells: error.issues.map(({ path }) => path), more }
  }
}

function comparable(value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  return value === 0 ? 0 : value
}

/** Said, not found: in a CSV a decimal comma may be meant. */
const asCsv = { separator: ';', decimal: '.' } as const

const quoted = (one: string) => `"${one.replaceAll('"', '""')}"`
const jsonLines = (rows: readonly object[]) => rows.map((one) => `${JSON.stringify(one)}\n`).join('')

function doorsOf(t: TestContext, ctx: Context) {
  const folder = temporaryFolder(t)
  const lake = openLake()
  t.after(() => lake.close())
  let run = 0
  return async (rows: Texts[], zone: string) => {
    run += 1
    const base = join(folder, String(run))
    mkdirSync(base)
    const path = (name: string) => join(base, name)
    writeFileSync(
      path('t.csv'),
      [columns.join(';'), ...rows.map((one) => columns.map((c) => quoted(one[c])).join(';'))].join('\n'),
    )
    writeFileSync(path('t.jsonl'), jsonLines(rows))
    const varchars = columns.map((name) => `${literal(name)}: 'varchar'`).join(', ')
    await lake.writeParquet(
      path('t.parquet'),
      `select * from read_json(${literal(path('t.jsonl'))}, format = 'newline_delimited', columns = {${varchars}})`,
    )
    const source = `s${run}`
    const expectations = Object.entries(types).map(([column, type]) => ({ column, type }))
    await datasets.applySource(ctx, { source, owner: 'ana@team.example', expectations })
    const inputs = columns.flatMap((name) => (types[name] === 'time' ? [] : [{ name, type: types[name] }]))
    const read = (name: string) => () =>
      openTable(path(name), { types: declared, ...(name.endsWith('.csv') ? asCsv : {}) }).then(rowsOf)
    const doors: Record<string, () => Promise<Row[]>> = {
      csv: read('t.csv'),
      'json lines': read('t.jsonl'),
      parquet: read('t.parquet'),
      'rows of the API': async () => {
        await inZone(zone, () => datasets.append(ctx, { source, rows }))
        return datasets
          .withSource(ctx, { source }, (own, table) =>
            own.query(
              `select ${columns.filter((name) => name !== 'whole').join(', ')}, whole::varchar as whole from ${table} order by _seq`,
            ),
          )
          .then((found) =>
            found.map((one) => ({ ...one, whole: one['whole'] === null ? null : BigInt(String(one['whole'])) })),
          )
      },
      'a golden set': () =>
        readGoldenItems(
          { golden: 'g', file: 'g', id: 'unknown', label: 'y' },
          {
            path: path('t.jsonl'),
            neighbours: {
              models: [{ model: 'm', golden: 'g', serves: {} } as never],
              features: [],
              inputsOf: async () => inputs,
            },
            say: () => undefined,
          },
        ),
      'a file of predictions': async () => {
        const wish = {
          input: path('t.csv'),
          target: 'm',
          version: 1,
          time: null,
          skip: false,
          dialect: asCsv,
        }
        const file = await openPredictionFile(path('out.jsonl'), {
          ...wish,
          types: declared,
          shown: 't',
          force: true,
          say: () => undefined,
        })
        try {
          const found: Row[] = []
          for await (const part of file.read(3)) found.push(...part)
          return found
        } finally {
          file.close()
        }
      },
    }
    const said: Record<string, Answer> = {}
    for (const [name, door] of Object.entries(doors))
      said[name] = await saidBy(() => (name === 'rows of the API' ? door() : inZone(zone, door)))
    return { said, path }
  }
}

const runs = { numRuns: Number(process.env['TEST_PROPERTY_RUNS'] ?? 12) }

test('what one door refuses of a declared column, every door refuses, by row and column', async (t) => {
  const ctx = await testContext(t)
  const ask = doorsOf(t, ctx)
  let at = 0
  const property = fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), async (rows) => {
    at += 1
    const { said } = await ask(rows, zones[at % zones.length] ?? 'UTC')
    const { csv, 'a golden set': golden, ...others } = said
    for (const [door, answer] of Object.entries(others)) assert.deepEqual(answer, csv, door)
    // A golden set keeps its times as they are written: the rest agrees.
    if (csv && golden && 'rows' in csv && 'rows' in golden)
      assert.deepEqual(
        golden.rows.map((one) => one.slice(0, 4)),
        csv.rows.map((one) => one.slice(0, 4)),
      )
  })
  await fc.assert(property, runs)
})

test('a value that no file may hold in a column is no input of a model either, and the other way round', async (t) => {
  const folder = temporaryFolder(t)
  let run = 0
  const property = fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
    run += 1
    const path = join(folder, `${run}.jsonl`)
    for (const name of ['whole', 'number'] as const) {
      const kept = rows.filter((one) => !['', 'NA', 'NaN'].includes(one[name]))
      for (const one of kept) {
        writeFileSync(path, jsonLines([{ id: 'a', [name]: one[name], value: one[name] }]))
        const inFile = await openTable(path, { types: declared }).then(
          () => true,
          () => false,
        )
        const field = { name, type: 'number' as const, integer: name === 'whole' }
        const asked = () => readFields([field], { [name]: one[name] })
        if (inFile && !isInexact(name, one[name])) assert.doesNotThrow(asked, `${name} ${one[name]}`)
        else if (!inFile) assert.throws(asked, AppError, `${name} ${one[name]}`)
        const asLabel = () => readLabels(path, { shown: 'l' }, () => undefined)
        if (name === 'number' && !inFile) await assert.rejects(asLabel(), AppError, one[name])
      }
    }
  })
  await fc.assert(property, runs)
})

/** An integer in a column of numbers that no double holds: kept by its digits in tables, and no number of a model. */
const isInexact = (name: string, text: string) =>
  name === 'number' && /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text))

test('two tables drift alike in every form of file, and examples of a training set hold what their source holds', async (t) => {
  const ctx = await testContext(t)
  const folder = temporaryFolder(t)
  const lake = openLake()
  t.after(() => lake.close())
  const rows = fc.sample(
    fc.record({
      code: fc.constantFrom('007', 'NA', 'a"b', '1e3'),
      x: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
    }),
    { numRuns: 60, seed: 7 },
  )
  const path = (name: string) => join(folder, name)
  const halves = { reference: rows.slice(0, 30), current: rows.slice(30) }
  for (const [name, half] of Object.entries(halves)) {
    writeFileSync(path(`${name}.csv`), ['code,x', ...half.map(({ code, x }) => `${quoted(code)},${x}`)].join('\n'))
    writeFileSync(path(`${name}.jsonl`), jsonLines(half))
    await lake.writeParquet(
      path(`${name}.parquet`),
      `select * from read_json(${literal(path(`${name}.jsonl`))}, format = 'newline_delimited', columns = {'code': 'varchar', 'x': 'double'})`,
    )
  }
  const drifts = ['csv', 'jsonl', 'parquet'].map((form) =>
    fileDrift(lake, {
      reference: path(`reference.${form}`),
      current: path(`current.${form}`),
      tool: 'evidently',
    } as never).then(({ columns }) => columns),
  )
  const [csv, ...others] = await Promise.all(drifts)
  for (const other of others) assert.deepEqual(other, csv)

  const at = '2026-03-29T02:30:00.000Z'
  await datasets.applySource(ctx, {
    source: 'spine',
    owner: 'ana@team.example',
    time: 'at',
    expectations: [{ column: 'code', type: 'string' }],
  })
  await inZone('America/New_York', () =>
    datasets.append(ctx, { source: 'spine', rows: rows.map((one, id) => ({ ...one, id, at: '2026-03-29 02:30' })) }),
  )
  await features.applyFeatures(ctx, {
    entities: [{ name: 'thing', keys: ['id'] }],
    views: [{ name: 'v', entity: 'thing', source: 'spine', features: ['x'] }],
    services: [
      {
        name: 's',
        request: [
          { name: 'id', type: 'number' },
          { name: 'code', type: 'string' },
        ],
        features: ['v:x'],
      },
    ],
  })
  const asked = { service: 's', source: 'spine', label: 'x', from: '2026-03-29', to: '2026-03-30' }
  const { id } = await inZone('Asia/Kolkata', () => features.createTrainingSet(ctx, asked))
  const made = await features.trainingRows(ctx, id)
  assert.deepEqual(
    made.map((one) => [one['code'], comparable(one['x']), one['time']]),
    rows.map(({ code, x }) => [code, comparable(x), at]),
  )
})
