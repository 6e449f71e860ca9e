import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../support/folder.ts'
import { keelRunning } from '../support/keel.ts'
import { typed } from '../support/typing.ts'

const launcher = fileURLToPath(new URL('../../bin/keel.js', import.meta.url))

function project(t: TestContext, sources: string[]): string {
  const cwd = temporaryFolder(t)
  mkdirSync(join(cwd, 'sources'))
  writeFileSync(join(cwd, 'keel.yaml'), 'project: trial\n')
  for (const source of sources)
    writeFileSync(join(cwd, `sources/${source}.yaml`), `source: ${source}\nowner: ana@team.example\ntime: at\n`)
  return cwd
}

const at = '2026-01-01T00:00:00.000Z'

function database(cwd: string): DatabaseSync {
  return new DatabaseSync(join(cwd, '.keel', 'keel.db'))
}

function storedRows(cwd: string): number {
  const db = database(cwd)
  try {
    return Number(db.prepare('select count(*) as n from source_rows').get()?.['n'])
  } finally {
    db.close()
  }
}

const rows = 15_000

for (const withServer of [false, true]) {
  test(`a push that is killed in the middle is ended by the same command, and no row is there twice (${withServer ? 'beside a server' : 'alone'})`, async (t) => {
    const cwd = project(t, ['trips'])
    assert.equal((await typed(['apply'], { cwd })).code, 0)
    const lines = Array.from({ length: rows }, (_, id) => JSON.stringify({ id, at, note: 'n'.repeat(100) }))
    writeFileSync(join(cwd, 'trips.jsonl'), `${lines.join('\n')}\n`)
    if (withServer) await keelRunning(t, ['up', '--port', '0'], { cwd, until: /is up at/ })
    const { PATH = '', HOME = '' } = process.env
    const child = spawn(process.execPath, [launcher, 'data', 'push', 'trips', 'trips.jsonl'], {
      cwd,
      env: { PATH, HOME },
      stdio: 'ignore',
    })
    const ended = once(child, 'close')
    while (child.exitCode === null && storedRows(cwd) === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    child.kill('SIGKILL')
    await ended
    const before = storedRows(cwd)
    assert.ok(before > 0, 'nothing was stored')
    assert.equal(before % 5_000, 0)
    if (before < rows) {
      const { stdout } = await typed(['data', 'show', 'trips'], { cwd })
      assert.match(stdout, new RegExp(`a file of 3 parts was pushed up to part ${before / 5_000}`))
    }
    const again = await typed(['data', 'push', 'trips', 'trips.jsonl'], { cwd })
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stdout, new RegExp(`${rows - before} rows added to trips\\.`))
    const db = database(cwd)
    const found = db.prepare(`select count(*) as n, count(distinct content) as ids from source_rows`).get()
    db.close()
    assert.deepEqual([found?.['n'], found?.['ids']], [rows, rows])
    const third = await typed(['data', 'push', 'trips', 'trips.jsonl', '--json'], { cwd })
    assert.deepEqual(JSON.parse(third.stdout), { source: 'trips', appended: 0, stored: rows })
  })
}

test('a file that is in a source already is not added twice by mistake, and on purpose it is', async (t) => {
  const cwd = project(t, ['trips'])
  writeFileSync(join(cwd, 'trips.csv'), `id,at\n1,${at}\n`)
  assert.equal((await typed(['apply'], { cwd })).code, 0)
  const push = (...more: string[]) => typed(['data', 'push', 'trips', 'trips.csv', ...more], { cwd })
  assert.match((await push()).stdout, /1 rows added to trips\.\n/)
  assert.match(
    (await push()).stdout,
    /0 rows added to trips\. The 1 rows of trips\.csv are in it already\. Add "--again"/,
  )
  assert.match((await push('--again')).stdout, /1 rows added to trips\.\n/)
})

test('rows of an older version that cannot be read are listed and removed with an event, and other sources go on', async (t) => {
  const cwd = project(t, ['trips', 'riders'])
  const csv = `id,at,uid\n1,${at},7\n2,${at},8\n`
  writeFileSync(join(cwd, 'trips.csv'), csv)
  writeFileSync(join(cwd, 'riders.csv'), csv)
  assert.equal((await typed(['apply'], { cwd })).code, 0)
  for (const source of ['trips', 'riders'])
    assert.equal((await typed(['data', 'push', source, `${source}.csv`], { cwd })).code, 0)
  const db = database(cwd)
  db.exec(`update source_rows set content = replace(content, '"uid":8', '"uid":12345678901234567890')
    where source = 'trips' and seq = 2`)
  db.close()
  const unreadable = await typed(['data', 'show', 'trips'], { cwd })
  assert.equal(unreadable.code, 1)
  assert.match(unreadable.stdout, /it cannot be read: row 2, column "uid"/)
  assert.match((await typed(['status'], { cwd })).stdout, /trips.*cannot be read/)
  assert.equal((await typed(['data', 'show', 'riders'], { cwd })).code, 0)
  const check = await typed(['data', 'check', 'trips'], { cwd })
  assert.equal(check.code, 1)
  assert.match(check.stdout, /2 +uid +12345678901234567890 +does not fit into 64 bits/)
  assert.match(check.stderr, /keel data remove trips --rows 2 --reason/)
  const wrong = await typed(['data', 'remove', 'trips', '--rows', '2,9', '--reason', 'a broken sender'], { cwd })
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /Of 2 rows, 1 are in "trips"\. Nothing was removed\./)
  const removed = await typed(['data', 'remove', 'trips', '--rows', '2', '--reason', 'a broken sender'], { cwd })
  assert.match(removed.stdout, /1 rows removed from trips\./)
  assert.match((await typed(['data', 'check', 'trips'], { cwd })).stdout, /All 1 rows of trips are as they should be/)
  assert.equal((await typed(['data', 'show', 'trips'], { cwd })).code, 0)
  const events = await typed(['events', '--type', 'datasets.rows_removed', '--json'], { cwd })
  assert.match(events.stdout, /a broken sender/)
})
