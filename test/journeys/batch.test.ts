import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Context } from '../../src/core/context.ts'
import { hour } from '../../src/core/duration.ts'
import { openLake } from '../../src/core/lake.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { testServer } from '../support/context.ts'
import { temporaryFolder } from '../support/folder.ts'
import { establish, trips as history, model, register } from '../support/trips.ts'
import { typed } from '../support/typing.ts'
import { until } from '../support/until.ts'

const launcher = fileURLToPath(new URL('../../bin/keel.js', import.meta.url))

async function twoVersions(ctx: Context): Promise<void> {
  await establish(ctx)
  await register(ctx, 'good')
  await register(ctx, 'wrong')
}

/** A server with two versions, and a folder with a file of rows. */
async function begin(t: TestContext, rows: object[] = trips(3)) {
  const { app, url } = await testServer(t, { from: twoVersions })
  const cwd = temporaryFolder(t)
  writeFileSync(join(cwd, 'keel.yaml'), 'project: trial\n')
  writeFileSync(join(cwd, 'rows.jsonl'), `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`)
  const predict = (...args: string[]) => typed(['predict', ...args, '--server', url], { cwd })
  return { app, url, cwd, predict }
}

function trips(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    trip: `t${index}`,
    at: '2025-01-01T01:00:00Z',
    city: index % 2 === 0 ? 'Bonn' : 'Ulm',
    good: (index % 100) / 100,
    wrong: 0.5,
  }))
}

async function read(path: string) {
  const lake = openLake()
  const reader = path.endsWith('.parquet') ? 'read_parquet' : path.endsWith('.csv') ? 'read_csv' : 'read_json'
  const rows = await lake.query(`select * from ${reader}('${path}')`)
  lake.close()
  return rows
}

test('a file comes back with a prediction for each row, in its order, in any format, and nothing of it is traffic', async (t) => {
  const { app, cwd, predict } = await begin(t, trips(250))
  for (const output of ['out.parquet', 'out.csv', 'out.jsonl']) {
    const { code, stderr } = await predict(`${model}@1`, '--input', 'rows.jsonl', '--output', output)
    assert.equal(code, 0, stderr)
    const rows = await read(join(cwd, output))
    assert.deepEqual(
      rows.map(({ trip }) => trip),
      trips(250).map(({ trip }) => trip),
    )
    for (const { good, prediction, version } of rows) {
      assert.ok(Math.abs(Number(good) - Number(prediction)) < 1e-6)
      assert.equal(Number(version), 1)
    }
    assert.equal(existsSync(join(cwd, `${output}.partial`)), false)
  }
  assert.deepEqual(await serving.readLog(app.ctx, { endpoint: model, from: '' }), [])
  const again = await predict(`${model}@2`, '--input', 'out.csv', '--output', 'out.parquet')
  assert.equal(again.code, 2)
  assert.match(again.stderr, /"prediction" is one that the output adds|exists.*--force/s)
})

test('kill -9 in the middle loses no part, and the same command goes on to have each row once', async (t) => {
  const count = 60_000
  const { cwd, url, predict } = await begin(t, trips(count))
  const args = [`${model}@1`, '--input', 'rows.jsonl', '--output', 'out.parquet']
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [launcher, 'predict', ...args, '--server', url], {
    cwd,
    env: { PATH },
    stdio: 'ignore',
  })
  const partial = join(cwd, 'out.parquet.partial')
  const parts = () => (existsSync(partial) ? readdirSync(partial).filter((name) => name.endsWith('.part')) : [])
  await until(() => parts().length >= 2, 'the first two parts', { within: 60_000, every: 1 })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const kept = parts().length
  assert.ok(kept >= 2 && kept < count / 5_000, `killed after ${kept} parts`)
  const { code, stderr } = await predict(...args)
  assert.equal(code, 0, stderr)
  assert.match(stderr, /Going on after row \d+/)
  const rows = await read(join(cwd, 'out.parquet'))
  assert.equal(rows.length, count)
  assert.ok(rows.every(({ trip }, index) => trip === `t${index}`))
})

test('rows that cannot be read are told by number and field, or left out on demand', async (t) => {
  const rows = [...trips(3), { ...trips(1)[0], good: 'high' }, { ...trips(1)[0], city: null }]
  const { cwd, predict } = await begin(t, rows)
  const refused = await predict(`${model}@1`, '--input', 'rows.jsonl', '--output', 'out.csv')
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /row 4, column "good": "high" must be a number.*--skip-invalid/s)
  writeFileSync(join(cwd, 'holes.jsonl'), `${[trips(1)[0], rows[4]].map((row) => JSON.stringify(row)).join('\n')}\n`)
  const missing = await predict(`${model}@1`, '--input', 'holes.jsonl', '--output', 'out.csv')
  assert.equal(missing.code, 2)
  assert.match(missing.stderr, /row 2: .*"city" is missing/)
  assert.equal(existsSync(join(cwd, 'out.csv')), false)
  const skipped = await predict(
    `${model}@1`,
    '--input',
    'rows.jsonl',
    '--output',
    'out.csv',
    '--skip-invalid',
    '--force',
  )
  assert.equal(skipped.code, 0, skipped.stderr)
  const found = await read(join(cwd, 'out.csv'))
  assert.deepEqual(
    found.map(({ prediction, _error }) => [prediction === null, _error !== null]),
    [
      [false, false],
      [false, false],
      [false, false],
      [true, true],
      [true, true],
    ],
  )
})

test('what is no file of rows is refused, and nothing is left behind', async (t) => {
  const { cwd, predict } = await begin(t)
  writeFileSync(join(cwd, 'broken.parquet'), 'no parquet')
  writeFileSync(join(cwd, 'few.csv'), 'city,good\nBonn,1\n')
  writeFileSync(join(cwd, 'empty.csv'), '')
  const cases: [string[], RegExp][] = [
    [['--input', 'missing.csv', '--output', 'out.csv'], /"[^"]*missing\.csv" does not exist/],
    [['--input', 'broken.parquet', '--output', 'out.csv'], /is not a Parquet file that can be read/],
    [['--input', 'few.csv', '--output', 'out.csv'], /no column "wrong"/],
    [['--input', 'rows.jsonl', '--output', 'out.xlsx'], /no output that can be used/],
    [['--input', 'rows.jsonl'], /--output is missing/],
    [['--input', 'rows.jsonl', '--output', 'out.csv', '--time', 'when'], /no column "when"/],
  ]
  for (const [args, said] of cases) {
    const { code, stderr } = await predict(`${model}@1`, ...args)
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, said)
    assert.equal(existsSync(join(cwd, 'out.csv')), false)
  }
  const unknown = await predict(`${model}@9`, '--input', 'rows.jsonl', '--output', 'out.csv')
  assert.match(unknown.stderr, /@9" does not exist/)
  assert.ok(readFileSync(join(cwd, 'rows.jsonl'), 'utf8').length > 0)
})

/** The share of late trips of a city in the hour before a moment: the feature in its plainest form. */
function lateInTheHourBefore(city: string, moment: string): number {
  const at = Date.parse(moment)
  const known = history(400).filter((trip) => trip.city === city && Date.parse(trip.at) < at)
  const within = known.filter((trip) => Date.parse(trip.at) >= at - hour)
  return within.reduce((sum, { late }) => sum + late, 0) / within.length
}

test('with a time column, features are what was known at the moment of each row', async (t) => {
  const moments = ['2025-01-01T01:00:00Z', '2025-01-01T03:30:00Z', '2025-01-01T06:00:00Z']
  const rows = trips(12).map((trip, index) => ({ ...trip, at: moments[index % 3] ?? '' }))
  const { app, cwd, predict } = await begin(t, rows)
  const version = await register(app.ctx, 'city_late_1h')
  const known = `${model}@${version}`
  const { code, stderr } = await predict(known, '--input', 'rows.jsonl', '--output', 'out.csv', '--time', 'at')
  assert.equal(code, 0, stderr)
  const found = (await read(join(cwd, 'out.csv'))).map(({ prediction }) => Number(prediction).toFixed(5))
  assert.deepEqual(
    found,
    rows.map(({ city, at }) => lateInTheHourBefore(city, at).toFixed(5)),
  )
  assert.ok(new Set(found).size > 3, 'the moments differ')
})

test('from CSV to CSV everything that nobody touched stays as it is written, and what is declared is read as that', async (t) => {
  const { cwd, predict } = await begin(t)
  const input = [
    'trip;city;good;wrong;at;note;zip',
    '"007";Bonn;0,50;0,5;2025-01-01 01:00;"";02134',
    '9007199254740993;"U;lm";,25;1;2025-01-01 01:00;NA;1e3',
  ]
  writeFileSync(join(cwd, 'rows.csv'), `\uFEFF${input.join('\r\n')}\r\n`)
  const dialect = ['--decimal', ',']
  const { code, stderr } = await predict(`${model}@1`, '--input', 'rows.csv', '--output', 'out.csv', ...dialect)
  assert.equal(code, 0, stderr)
  assert.match(stderr, /rows\.csv: separator ";"/)
  const lines = readFileSync(join(cwd, 'out.csv'), 'utf8').trimEnd().split('\n')
  assert.equal(lines[0], `${input[0]};prediction;version;_marks`)
  assert.deepEqual(
    lines.slice(1).map((line) => line.split(';').slice(0, -3).join(';')),
    input.slice(1),
  )
  assert.deepEqual(lines[2]?.split(';').slice(-2), ['1', ''], 'a version, and nothing to be said')
})
