import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../../test/support/folder.ts'
import { openLake } from '../../../core/lake.ts'
import { current, reference } from '../../../core/stats/drifting.fixture.ts'
import { fileDrift } from './file-drift.ts'

function begin(t: TestContext) {
  const lake = openLake()
  t.after(() => lake.close())
  const folder = temporaryFolder(t)
  const write = async (name: string, sql: string) => {
    const path = join(folder, name)
    await lake.writeParquet(path, sql)
    return path
  }
  return { lake, folder, write }
}

test('the published fixture gives the published verdicts from CSV files', async (t) => {
  const { lake, folder } = begin(t)
  const letters = (counts: [string, number][]) => counts.flatMap(([letter, count]) => Array<string>(count).fill(letter))
  const csv = (name: string, numbers: number[], categories: string[]) => {
    const path = join(folder, name)
    writeFileSync(path, ['x,c', ...numbers.map((x, index) => `${x},${categories[index] ?? ''}`)].join('\n'))
    return path
  }
  const report = await fileDrift(lake, {
    reference: csv(
      'reference.csv',
      reference,
      letters([
        ['a', 250],
        ['b', 150],
        ['c', 90],
        ['d', 10],
      ]),
    ),
    current: csv(
      'current.csv',
      current,
      letters([
        ['a', 180],
        ['b', 120],
        ['c', 80],
        ['d', 20],
      ]),
    ),
    tool: 'evidently',
  })
  const [x, c] = report.columns
  assert.deepEqual([x?.test, c?.test, report.drifted], ['K-S p_value', 'chi-square p_value', true])
  assert.ok(Math.abs((x?.value ?? 0) / 1.5547831819823e-4 - 1) < 1e-9)
  assert.ok(Math.abs((c?.value ?? 0) / 1.11020308904378e-4 - 1) < 1e-9)
})

test('in bins the distance is as close to the exact one as it says, and the verdict the same', async (t) => {
  const { lake, write } = begin(t)
  const table = (shift: number) =>
    `select sin(i * 12.9898) * 3 + ${shift} * (i % 7 = 0)::int as x, (i % 997)::varchar as c from range(6000) t(i)`
  const files = { reference: await write('a.parquet', table(0)), current: await write('b.parquet', table(2)) }
  const exact = await fileDrift(lake, { ...files, tool: 'evidently' })
  const binned = await fileDrift(lake, { ...files, tool: 'evidently', exactUpTo: 100 })
  for (const [index, column] of exact.columns.entries()) {
    const other = binned.columns[index]
    assert.ok(other?.bound !== undefined, column.column)
    assert.ok(Math.abs(other.value - column.value) <= other.bound + 1e-12)
    assert.deepEqual([other.drifted, other.test], [column.drifted, column.test])
  }
})

test('a million different values are compared without being held', async (t) => {
  const { lake, write } = begin(t)
  const files = {
    reference: await write('a.parquet', `select 'user ' || (i % 400000) as who from range(1000000) t(i)`),
    current: await write('b.parquet', `select 'user ' || (i + 200000) as who from range(1200000) t(i)`),
  }
  const report = await fileDrift(lake, { ...files, tool: 'evidently', kinds: { who: 'categorical' } })
  const [who] = report.columns
  assert.deepEqual([who?.test, who?.drifted, who?.bound], ['Jensen-Shannon distance', true, 0])
})

test('columns of one file only are named and left out; holes and infinities count nowhere', async (t) => {
  const { lake, write } = begin(t)
  const numbers = `select case when i % 10 = 0 then 'nan'::double when i % 10 = 1 then 'inf'::double when i % 10 = 2 then null else i end as x`
  const report = await fileDrift(lake, {
    reference: await write('a.parquet', `${numbers}, 1 as gone, date '2026-01-01' as day from range(2000) t(i)`),
    current: await write('b.parquet', `${numbers}, 1 as fresh, date '2026-01-01' as day from range(2000) t(i)`),
    tool: 'evidently',
  })
  assert.deepEqual(
    report.columns.map(({ column, drifted }) => [column, drifted]),
    [['x', false]],
  )
  assert.deepEqual(report.left.map(({ column }) => column).sort(), ['day', 'fresh', 'gone'])
})

test('embeddings are judged by a classifier and by the maximum mean discrepancy', async (t) => {
  const { lake, write } = begin(t)
  const vectors = (shift: number, seed: number) =>
    `select list_transform(range(8), k -> (hash(i * 31 + k + ${seed}) % 10000) / 10000.0::double + ${shift}) as e from range(400) t(i)`
  const report = async (shift: number) =>
    fileDrift(lake, {
      reference: await write('a.parquet', vectors(0, 1)),
      current: await write('b.parquet', vectors(shift, 2)),
      tool: 'evidently',
    })
  assert.deepEqual(
    (await report(0.5)).columns.map(({ kind, drifted }) => [kind, drifted]),
    [
      ['embedding', true],
      ['embedding', true],
    ],
  )
  assert.equal(
    (await report(0)).columns.every(({ value }) => value < 0.6),
    true,
  )
})

test('a file that is missing or not a table, and a column that does not exist, are named', async (t) => {
  const { lake, folder, write } = begin(t)
  const good = await write('a.parquet', 'select 1 as x')
  const broken = join(folder, 'broken.parquet')
  writeFileSync(broken, 'not parquet')
  await assert.rejects(
    fileDrift(lake, { reference: good, current: broken, tool: 'evidently' }),
    /broken\.parquet" cannot be read/,
  )
  await assert.rejects(
    fileDrift(lake, { reference: join(folder, 'x.doc'), current: good, tool: 'evidently' }),
    /is not \.csv, \.jsonl or \.parquet/,
  )
  await assert.rejects(
    fileDrift(lake, { reference: good, current: good, tool: 'evidently', columns: ['y'] }),
    /Column "y" does not exist/,
  )
})
