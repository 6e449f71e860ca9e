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
  assert.deepEqual(report.notJudged.map(({ column }) => column).sort(), ['day', 'fresh', 'gone'])
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

const unevenFiles = (folder: string) => {
  const csv = (name: string, lines: string[]) => {
    const path = join(folder, name)
    writeFileSync(path, lines.join('\n'))
    return path
  }
  const header = 'amount,never,empty_now,rare,gone'
  const amount = (index: number) => ((index * 37) % 61) / 10
  const row = (index: number) => [`${amount(index)}`, '', `${index / 7}`, index === 5 ? 'x' : '', '1'].join(',')
  const now = (index: number) => [`${amount(index + 3)}`, '', '', index === 5 ? 'x' : '', '1'].join(',')
  const rows = (count: number, of: (index: number) => string) => Array.from({ length: count }, (_, index) => of(index))
  return {
    reference: csv('reference.csv', [header, ...rows(60, row)]),
    current: csv('current.csv', [header.replace('gone', 'fresh'), ...rows(80, now)]),
    tiny: csv('tiny.csv', [header, ...rows(3, now)]),
    empty: csv('empty.csv', [header]),
    bare: csv('bare.csv', []),
    lines: csv('lines.jsonl', []),
    nothing: csv('nothing.csv', [header, ...rows(80, () => ',,,,')]),
  }
}

test('a column that became empty is drift, also at three rows, and a column that nobody can judge is not steady', async (t) => {
  const { lake, folder } = begin(t)
  const { reference, current, tiny } = unevenFiles(folder)
  const report = await fileDrift(lake, { reference, current, tool: 'evidently' })
  assert.deepEqual(
    report.columns.map(({ column, drifted }) => [column, drifted]),
    [['amount', false]],
  )
  assert.deepEqual(Object.fromEntries(report.notJudged.map(({ column, because }) => [column, because])), {
    gone: 'it is gone from the current file',
    fresh: 'the reference does not have it',
    never: 'it has no values in either file',
    empty_now: 'all of its values are missing in the current file',
    rare: '1 and 1 values are too few to tell anything from chance',
  })
  const share = report.missing.find(({ column }) => column === 'empty_now')
  assert.deepEqual([share?.emptied, share?.changed, share?.now.value, share?.now.n], [true, true, 1, 80])
  assert.ok((share?.now.lower ?? 0) > 0.95)
  assert.deepEqual(
    report.missing.filter(({ changed }) => changed).map(({ column }) => column),
    ['empty_now'],
  )
  assert.deepEqual([report.verdict, report.drifted], ['drifted', false])
  const few = await fileDrift(lake, { reference, current: tiny, tool: 'evidently' })
  const [emptied, ...others] = few.missing.filter((one) => one.emptied)
  assert.deepEqual([emptied?.column, others, few.verdict], ['empty_now', [], 'drifted'])
  const other = await fileDrift(lake, { reference, current, tool: 'nannyml' })
  assert.deepEqual([other.verdict, other.columns.map(({ column }) => column)], ['drifted', ['amount']])
})

test('of a file without rows nothing can be told, whichever side it is, and a file of holes has drifted', async (t) => {
  const { lake, folder } = begin(t)
  const { reference, empty, bare, lines, nothing } = unevenFiles(folder)
  for (const tool of ['evidently', 'nannyml'] as const) {
    for (const files of [
      { reference, current: empty },
      { reference: empty, current: reference },
      { reference: empty, current: empty },
      { reference, current: bare },
      { reference: lines, current: reference },
    ]) {
      const report = await fileDrift(lake, { ...files, tool })
      assert.deepEqual([report.verdict, report.drifted, report.columns, report.missing], ['cannot_tell', false, [], []])
      assert.equal(report.notJudged.length, 5)
    }
    const holes = await fileDrift(lake, { reference, current: nothing, tool })
    assert.deepEqual([holes.verdict, holes.columns], ['drifted', []])
    const same = await fileDrift(lake, { reference: nothing, current: nothing, tool })
    assert.deepEqual([same.verdict, same.columns], ['cannot_tell', []])
  }
})

test('numbers that became text are not judged as numbers', async (t) => {
  const { lake, write } = begin(t)
  const report = await fileDrift(lake, {
    reference: await write('a.parquet', 'select i::double as x, i as y from range(100) t(i)'),
    current: await write('b.parquet', `select 'n' || i as x, i as y from range(100) t(i)`),
    tool: 'evidently',
  })
  assert.deepEqual(report.notJudged, [
    { column: 'x', because: 'it holds numbers in the reference and text in the current file' },
  ])
  assert.equal(report.verdict, 'steady')
})
