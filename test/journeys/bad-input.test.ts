import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../support/folder.ts'
import { keel, keelRunning } from '../support/keel.ts'
import { typed } from '../support/typing.ts'

const canMount =
  process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

function project(t: TestContext, files: Record<string, string> = {}): string {
  const cwd = temporaryFolder(t)
  for (const [path, text] of Object.entries({ 'keel.yaml': 'project: trial\n', ...files })) {
    mkdirSync(join(cwd, path, '..'), { recursive: true })
    writeFileSync(join(cwd, path), text)
  }
  return cwd
}

test('broken YAML is told with file and line, and nothing is stored', async (t) => {
  const cwd = project(t, { 'sources/trips.yaml': 'source: trips\nowner: [ana\n' })
  const { code, stderr, stdout } = await typed(['apply'], { cwd })
  assert.equal(code, 2)
  assert.match(stderr, /"sources\/trips\.yaml" line \d/)
  assert.equal(stdout, '')
  assert.equal(existsSync(join(cwd, '.keel')), false)
})

test('an unknown key is told with the nearest known one', async (t) => {
  const cwd = project(t, { 'sources/trips.yaml': 'source: trips\nowner: ana@team.example\nlicense: CC0\n' })
  const { code, stderr } = await typed(['plan'], { cwd })
  assert.equal(code, 2)
  assert.match(stderr, /"license" is not a known name/)
  assert.match(stderr, /Did you mean "licence"\?/)
})

test('a missing file is named', async (t) => {
  const cwd = project(t, {
    'keel.yaml': 'project: trial\ngolden:\n  - { golden: g, file: golden/none.csv, id: id, label: late }\n',
  })
  const { code, stderr } = await typed(['plan'], { cwd })
  assert.equal(code, 2)
  assert.match(stderr, /"golden\/none\.csv" does not exist/)
})

test('an unknown command is told with the nearest known one', async (t) => {
  const { code, stderr } = await typed(['statsu'], { cwd: project(t) })
  assert.equal(code, 2)
  assert.match(stderr, /Did you mean "status"\?/)
})

test('an error is JSON when JSON was asked for', async (t) => {
  const { code, stdout } = await keel(['models', 'versions', 'nothing', '--json'], { cwd: project(t) })
  assert.equal(code, 2)
  assert.equal(JSON.parse(stdout).error.code, 'not_found')
})

test('a server that does not answer is exit code 6', async (t) => {
  const { code, stderr } = await typed(['status', '--server', 'http://127.0.0.1:9'], { cwd: project(t) })
  assert.equal(code, 6)
  assert.match(stderr, /No server answers/)
})

test('a port in use is told, with the way out', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address ? String(address.port) : ''
  const { code, stderr } = await keel(['up', '--port', port], { cwd: project(t) })
  assert.equal(code, 2)
  assert.match(stderr, /EADDRINUSE/)
  assert.match(stderr, /--port/)
})

test('a second server on the same folder is refused and told who owns it', async (t) => {
  const cwd = project(t)
  const first = await keelRunning(t, ['up', '--port', '0'], { cwd, until: /is up at/ })
  const { code, stderr } = await keel(['up', '--port', '0'], { cwd })
  assert.equal(code, 2)
  assert.match(stderr, new RegExp(`belongs to the process ${first.child.pid}`))
  const status = await keel(['status'], { cwd })
  assert.equal(status.code, 0, status.stderr)
})

test('a folder that cannot be written is told, with the way out', {
  skip: !canMount && 'mounting a read-only folder needs root and tmpfs',
}, async (t) => {
  const cwd = project(t)
  const disk = join(cwd, 'fixed')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', disk])
  try {
    const { code, stderr } = await keel(['status', '--data', 'fixed/data'], { cwd })
    assert.equal(code, 1)
    assert.match(stderr, /cannot be written/)
    assert.match(stderr, /--data/)
  } finally {
    execFileSync('umount', ['-l', disk])
  }
})

test('a database of a newer version is refused and left as it is', async (t) => {
  const cwd = project(t)
  assert.equal((await keel(['status'], { cwd })).code, 0)
  const path = join(cwd, '.keel', 'keel.db')
  const database = new DatabaseSync(path)
  database.exec(`insert into migrations values ('core/999-future', '2030-01-01')`)
  database.close()
  const { code, stderr } = await keel(['status'], { cwd })
  assert.equal(code, 2)
  assert.match(stderr, /core\/999-future/)
})

test('a full disk is told as such, and nothing is half written', {
  skip: !canMount && 'mounting a small disk needs root and tmpfs',
}, async (t) => {
  const cwd = project(t, { 'sources/trips.yaml': 'source: trips\nowner: ana@team.example\n' })
  const disk = join(cwd, 'small')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk])
  try {
    assert.equal((await keel(['apply', '--data', 'small/data'], { cwd })).code, 0)
    const rows = Array.from({ length: 30_000 }, (_, index) => JSON.stringify({ index, text: 'x'.repeat(100) }))
    writeFileSync(join(cwd, 'rows.jsonl'), `${rows.join('\n')}\n`)
    const { code, stderr } = await keel(['data', 'push', 'trips', 'rows.jsonl', '--data', 'small/data'], { cwd })
    assert.equal(code, 1)
    assert.match(stderr, /disk is full|no space left/i)
    const { stdout } = await keel(['data', 'list', '--json', '--data', 'small/data'], { cwd })
    assert.equal(JSON.parse(stdout)[0].rows % 5_000, 0)
  } finally {
    execFileSync('umount', ['-l', disk])
  }
})

test('Ctrl-C stops the server in good order, and the next start finds everything', async (t) => {
  const cwd = project(t, { 'sources/trips.yaml': 'source: trips\nowner: ana@team.example\n' })
  const server = await keelRunning(t, ['up', '--port', '0'], { cwd, until: /is up at/ })
  assert.equal((await keel(['apply'], { cwd })).code, 0)
  server.child.kill('SIGINT')
  assert.equal(await server.ended, 0)
  assert.equal(existsSync(join(cwd, '.keel', 'server.json')), false)
  const { stdout } = await keel(['data', 'list', '--json'], { cwd })
  assert.equal(JSON.parse(stdout)[0].name, 'trips')
})

test('kill -9 loses nothing that was acknowledged', async (t) => {
  const cwd = project(t, { 'sources/trips.yaml': 'source: trips\nowner: ana@team.example\n' })
  const server = await keelRunning(t, ['up', '--port', '0'], { cwd, until: /is up at/ })
  assert.equal((await keel(['apply'], { cwd })).code, 0)
  writeFileSync(join(cwd, 'rows.jsonl'), '{"a":1}\n{"a":2}\n')
  assert.equal((await keel(['data', 'push', 'trips', 'rows.jsonl'], { cwd })).code, 0)
  server.child.kill('SIGKILL')
  await server.ended
  const { code, stdout, stderr } = await keel(['data', 'show', 'trips', '--json'], { cwd })
  assert.equal(code, 0, stderr)
  assert.equal(JSON.parse(stdout).source.rows, 2)
})

test('commands say where settings come from', async (t) => {
  const cwd = project(t, { 'keel.yaml': 'project: trial\nport: 7001\n' })
  const { stdout } = await typed(['config', 'explain', '--json'], { cwd, environment: { KEEL_LOG: 'error' } })
  const settings: { name: string; value: string; from: string }[] = JSON.parse(stdout)
  const found = (name: string) => settings.find((setting) => setting.name === name)
  assert.deepEqual([found('port')?.value, found('port')?.from], ['7001', 'keel.yaml'])
  assert.deepEqual([found('log')?.value, found('log')?.from], ['error', 'environment'])
  assert.equal(found('host')?.from, 'default')
})

test('init writes a project that plan accepts, and never overwrites one', async (t) => {
  const cwd = temporaryFolder(t)
  assert.equal((await typed(['init'], { cwd })).code, 0)
  assert.equal((await typed(['plan'], { cwd })).code, 0)
  const before = readFileSync(join(cwd, 'keel.yaml'), 'utf8')
  assert.equal((await typed(['init'], { cwd })).code, 2)
  assert.equal(readFileSync(join(cwd, 'keel.yaml'), 'utf8'), before)
})
