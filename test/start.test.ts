import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { temporaryFolder } from './support/folder.ts'
import { keel, keelRunning } from './support/keel.ts'

const recorder = pathToFileURL(join(import.meta.dirname, 'support/record-packages.ts')).href

/** Read when they are first used: models, tables, stores, mail, protocols and archives that this server may never see. */
const late =
  /^(onnxruntime-.*|@duckdb\/.*|@aws-sdk\/.*|nodemailer|undici|protobufjs|prom-client|pg|yaml|yauzl|tar-stream|re2js|typebox)$/
const ofServers = /^(kysely|fastify|pino|ajv)$/

/** What tells a command to record what it reads, and what it has read once it has ended. */
function recording(folder: string, name: string) {
  const path = join(folder, `${name}.packages`)
  return {
    environment: { NODE_OPTIONS: `--import=${recorder}`, RECORD_PACKAGES: path },
    packages: () => readFileSync(path, 'utf8').split('\n'),
  }
}

test('a server starts and is asked, and help is shown, without a library that waits for its use', async (t) => {
  const cwd = temporaryFolder(t)
  const [help, status, up] = ['help', 'status', 'up'].map((name) => recording(cwd, name))
  assert.ok(help && status && up)
  await keel(['--help'], { cwd, environment: help.environment })
  const options = { cwd, environment: up.environment, until: /is up/ }
  const { child, ended } = await keelRunning(t, ['up', '--port', '0'], options)
  const answered = await keel(['status'], { cwd, environment: status.environment })
  assert.equal(answered.code, 0, answered.stderr)
  child.kill('SIGTERM')
  assert.equal(await ended, 0)

  assert.ok(up.packages().includes('fastify') && status.packages().includes('commander'))
  for (const { packages } of [help, status, up])
    assert.deepEqual(
      packages().filter((name) => late.test(name)),
      [],
    )
  for (const { packages } of [help, status])
    assert.deepEqual(
      packages().filter((name) => ofServers.test(name)),
      [],
    )
})

test('what was compiled is kept for the next start where the user may write, and a start does without it elsewhere', async (t) => {
  const cwd = temporaryFolder(t)
  const [folder, file] = [join(cwd, 'caches'), join(cwd, 'no-folder')]
  writeFileSync(file, '')
  assert.equal((await keel(['--version'], { cwd, environment: { XDG_CACHE_HOME: folder } })).code, 0)
  assert.ok(existsSync(join(folder, 'keel', 'compiled')))
  assert.equal((await keel(['--version'], { cwd, environment: { XDG_CACHE_HOME: file, TMPDIR: file } })).code, 0)
})
