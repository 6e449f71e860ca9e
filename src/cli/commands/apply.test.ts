import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { temporaryFolder } from '../../../test/support/folder.ts'
import type { Seed } from '../../../test/support/snapshot.ts'
import { registered } from '../../../test/support/trips.ts'
import { typing } from '../../../test/support/typing.ts'
import { day } from '../../core/duration.ts'

async function start(t: TestContext, from?: Seed) {
  const cwd = temporaryFolder(t)
  const here = await testServer(t, { settings: { egress: '127.0.0.1' }, ...(from ? { from } : {}) })
  return { ...here, ...typing({ url: here.url, cwd }), cwd }
}

test('a new project is planned, applied once, and filled with rows', async (t) => {
  const { shown, keel, cwd } = await start(t)
  assert.match(await shown('init'), /^keel\.yaml\n/)
  assert.match((await keel('init')).stderr, /There is a "keel\.yaml" here already/)
  const source = 'source: trips\nowner: ana@team.example\ntime: at\nvetted: { by: bo@team.example, on: 2025-01-01 }\n'
  writeFileSync(join(cwd, 'sources/trips.yaml'), source)
  assert.match(await shown('plan'), /create +source +trips/)
  assert.equal((await keel('apply', '--expected', `sha256:${'0'.repeat(64)}`)).code === 0, false)
  assert.match(await shown('apply'), /create +source +trips/)
  assert.match(await shown('apply'), /Nothing to change/)

  writeFileSync(join(cwd, 'trips.csv'), 'at,late\n2025-01-01T10:00:00Z,1\n2025-01-02T10:00:00Z,0\n')
  assert.equal(await shown('data', 'push', 'trips', 'trips.csv', '--until', '2025-01-02'), '1 rows added to trips.\n')
  assert.match(await shown('data', 'list'), /trips +1 .* yes +ana@team\.example/)
  assert.match(await shown('data', 'show', 'trips'), /vetted +yes, by bo@team\.example[\s\S]*late +/)
})

test('features are listed, read now, joined as of then, and compared with what training saw', async (t) => {
  const { shown, data, cwd } = await start(t, registered)
  assert.match(await shown('features', 'list'), /city_trips +city +trips +city_late_1h/)
  assert.match(await shown('features', 'get', 'trip', 'city=Bonn', 'good=0.5', 'wrong=0.5'), /city_late_1h/)
  const joined = ['features', 'training-set', '--service', 'trip', '--source', 'trips', '--label', 'late']
  const files = ['--out', 'set.csv', '--id-file', 'set.id']
  const set = await data<{ id: string; rows: number; asOf: string }>(
    ...[...joined, '--from', '2025-01-01', '--to', '2025-01-02', ...files],
  )
  assert.deepEqual([set.rows, set.asOf], [400, 'known'])
  assert.equal(readFileSync(join(cwd, 'set.id'), 'utf8'), set.id)
  assert.equal(readFileSync(join(cwd, 'set.csv'), 'utf8').trim().split('\n').length, 401)
  assert.match(await shown('features', 'parity', set.id, '--tolerance', '0.01'), /city_late_1h +400 +0/)
})

test('a pipeline runs, its step is explained, and a second run takes it from the cache', async (t) => {
  const { shown, keel, data, cwd, app } = await start(t)
  await shown('init')
  writeFileSync(
    join(cwd, 'pipelines/count.yaml'),
    'pipeline: count\nowner: ana@team.example\nsteps:\n  - { name: one, run: "echo counted | tee $KEEL_OUT/n.txt" }\n',
  )
  const applied = await keel('apply')
  assert.equal(applied.code, 0, applied.stderr)
  const working = setInterval(() => void app.worker.drain(), 50)
  t.after(() => clearInterval(working))
  const run = await data<{ id: string; state: string }>('run', 'count')
  const again = await data<{ id: string; state: string }>('run', 'count')
  clearInterval(working)
  assert.equal(run.state, 'succeeded')
  assert.match(await shown('pipelines', 'list'), /count +1 +ana@team\.example/)
  assert.match(await shown('pipelines', 'runs', 'count'), /count +succeeded/)
  assert.match(await shown('pipelines', 'show', run.id), /one +succeeded/)
  assert.match(await shown('pipelines', 'log', run.id, 'one'), /counted/)
  assert.match(await shown('pipelines', 'why', again.id, 'one'), /It came from the cache/)
  assert.equal(await shown('pipelines', 'why', run.id, 'one'), 'None.\n')
  assert.equal((await keel('pipelines', 'cancel', 'none')).code, 2)
})

test('settings, health, operations and addresses are told', async (t) => {
  const { shown, keel, data, url } = await start(t)
  const settings = await data<{ name: string; from: string }[]>('config', 'explain')
  assert.equal(settings.find(({ name }) => name === 'server')?.from, 'environment')
  assert.match(await shown('doctor'), /ok +server +It answers at/)
  assert.equal(await shown('open'), `${url}\n`)
  assert.match(await shown('api', '--list'), /registry\.getModel +GET/)
  assert.equal((await data<{ items: unknown[] }>('api', 'registry.listModels', 'kind=model')).items.length, 0)
  const nearly = await keel('api', 'registry.listModel')
  assert.match(nearly.stderr, /is not an operation[\s\S]*Did you mean "registry\.listModels"/)
  assert.match((await keel('api', 'registry.listModels', '--input', '{')).stderr, /--input is not JSON/)
})

test('what nothing names is counted, then removed; what is stored is checked', async (t) => {
  const { shown, data, keel, app, cwd } = await start(t)
  const working = setInterval(() => void app.worker.drain(), 50)
  t.after(() => clearInterval(working))
  const stray = await app.ctx.blobs.put(Buffer.from('nobody asks for these bytes'))
  mkdirSync(join(cwd, 'kept'))
  writeFileSync(join(cwd, 'kept', 'model.bin'), 'bytes')
  const kept = await data<{ digest: string }>('artifacts', 'put', 'kept')
  assert.match(await shown('artifacts', 'show', kept.digest), /model\.bin +5/)
  assert.match(await shown('artifacts', 'link', stray.digest, '--hours', '0.5'), /^http:\/\/127\.0\.0\.1:\d+\/\S+\n$/)
  assert.match(await shown('artifacts', 'verify', kept.digest), /All bytes are as named/)
  await shown('clock', 'advance', new Date(app.ctx.now().getTime() + 8 * day).toISOString())
  assert.match(await shown('fsck'), /all as named, none missing[\s\S]*1 are named by nothing/)
  const counted = await keel('gc', '--grace', '0s', '--runs')
  assert.match(counted.stdout, /unnamed +2 blobs[\s\S]*removed +0 blobs[\s\S]*deleted runs +0/)
  assert.match(counted.stderr, /Next: keel gc --yes/)
  assert.match((await keel('gc', '--grace', 'soon')).stderr, /"soon" is not a duration/)
  assert.match(await shown('gc', '--yes', '--grace', '0s'), /removed +2 blobs/)
  assert.equal(await app.ctx.blobs.has(stray.digest), false)
})

test('a token is made for a role, used, listed and revoked', async (t) => {
  const { shown, keel, data } = await start(t)
  const made = await data<{ id: string; token: string }>('token', 'create', 'ann', '--role', 'viewer', '--days', '2')
  const denied = await keel('decide', 'x', '--reason', 'because', '--token', made.token)
  assert.notEqual(denied.code, 0)
  assert.match(await shown('token', 'list'), /ann +viewer .* valid/)
  assert.match(await shown('token', 'revoke', made.id), /ann is revoked/)
  const wrong = await keel('token', 'create', 'bo', '--role', 'owner', '--json')
  const { error } = JSON.parse(wrong.stdout) as { error: { code: string; name: string; hint: string } }
  assert.deepEqual([wrong.code, error.code, error.name], [2, 'invalid_input', '--role'])
  assert.equal(error.hint, 'Use viewer, member or admin.')
})

test('a webhook is made, tried, switched off and removed', async (t) => {
  const { shown, keel, data } = await start(t)
  const heard: string[] = []
  const listener = createServer((request, response) => {
    heard.push(request.method ?? '')
    request.resume().on('end', () => response.end('{}'))
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  t.after(() => listener.close())
  const address = listener.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/in`
  const made = await data<{ id: string }>('webhooks', 'create', 'ops', url, '--event', 'registry.*', 'delivery.*')
  assert.match(await shown('webhooks', 'list'), /ops .*registry\.\* delivery\.\* +generic +no +on/)
  assert.equal(await shown('webhooks', 'test', made.id), 'Accepted (200).\n')
  assert.deepEqual(heard, ['POST'])
  await shown('webhooks', 'log', made.id)
  assert.match(await shown('webhooks', 'off', made.id), /ops is off/)
  assert.match(await shown('webhooks', 'on', made.id), /ops is on/)
  assert.equal((await keel('webhooks', 'redeliver', 'none')).code, 2)
  assert.match(await shown('webhooks', 'remove', made.id), /is removed/)
})

test('traces are listed by how they went, shown as a tree and deleted', async (t) => {
  const { shown, keel } = await start(t)
  assert.equal(await shown('traces', 'list', '--state', 'OK', '--limit', '5'), 'None.\n')
  const wrong = await keel('traces', 'list', '--state', 'ok')
  assert.match(wrong.stderr, /--state cannot be "ok"\.[\s\S]*OK, ERROR or IN_PROGRESS/)
  assert.equal((await keel('traces', 'show', 'tr-none')).code, 2)
})

test('a tracking server that is not there is not imported from', async (t) => {
  const { keel } = await start(t)
  const { code, stderr } = await keel('import', 'mlflow', '--from', 'nowhere.db')
  assert.deepEqual([code, /There is no file/.test(stderr)], [2, true])
})
