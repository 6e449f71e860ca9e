import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../../test/support/context.ts'
import { temporaryFolder } from '../../../../test/support/folder.ts'
import type { MlflowSource, SourceFile } from '../source.ts'
import { firstRun, loggedModel, secondRun, writeMlflowFolder } from '../sqlite/mlflow-database.fixture.ts'
import { openSqliteSource } from '../sqlite/sqlite-source.ts'
import { checkCounts } from './counts.ts'
import { importMlflow, type Summary } from './import-mlflow.ts'

type Server = Awaited<ReturnType<typeof testServer>>

async function start(test: TestContext): Promise<{ server: Server; source: MlflowSource; folder: string }> {
  const folder = temporaryFolder(test)
  const source = openSqliteSource(writeMlflowFolder(folder), undefined)
  const server = await testServer(test)
  test.after(() => source.close())
  return { server, source, folder }
}

function take({ client, url }: Server, source: MlflowSource, before?: (path: string) => void): Promise<Summary> {
  return importMlflow({
    source,
    client,
    onProgress: () => undefined,
    async putFile(path: string, file: SourceFile) {
      before?.(path)
      const body = Buffer.concat(await (await file.open()).toArray())
      const response = await fetch(`${url}/api/2.0/mlflow-artifacts/artifacts/${path}`, { method: 'PUT', body })
      assert.equal(response.status, 200)
    },
  })
}

const everything = {
  experiments: 2,
  runs: 3,
  params: 3,
  'tags of runs': 3,
  'metric values': 5001,
  'logged models': 1,
  'artifact files': 4,
  'registered models': 2,
  'model versions': 3,
  aliases: 1,
}

function countsHere({ counts }: Summary): Record<string, number> {
  checkCounts(counts)
  return Object.fromEntries(
    counts.filter(({ what }) => what !== 'artifact bytes').map(({ what, here }) => [what, here]),
  )
}

test('everything that an MLflow knows arrives with its ids, times and numbers', async (t) => {
  const { server, source } = await start(t)
  const { client, url } = server
  assert.deepEqual(countsHere(await take(server, source)), everything)

  const run = await client.runs.get({ run: firstRun })
  assert.deepEqual(
    [run.experiment, run.name, run.status, run.startedAt, run.params, run.metrics],
    ['flights', 'first', 'finished', '2023-11-14T22:13:21.000Z', { depth: '3' }, { loss: 1 / 5000, odd: null }],
  )
  const history = await client.runs.metricHistory({ run: firstRun, key: 'loss', limit: 2 })
  assert.deepEqual(
    history.items.map(({ step, value }) => [step, value]),
    [
      [0, 1],
      [1, 0.5],
    ],
  )
  const { items } = await client.runs.search({ experiment: 'flights' })
  assert.deepEqual(items.map(({ name }) => name).sort(), ['first', 'second'])

  const version = await client.registry.getVersion({ model: 'delay', version: 3 })
  assert.deepEqual(
    [version.loggedModel, version.run, version.stage, version.tags, version.aliases],
    [loggedModel, firstRun, 'Production', { checked: 'yes' }, ['champion']],
  )
  assert.notEqual(version.artifact, null)
  const older = await client.registry.getVersion({ model: 'delay', version: 1 })
  assert.notEqual(older.artifact, null)
  const response = await fetch(`${url}/get-artifact?run_id=${firstRun}&path=notes/deep/one.txt`)
  assert.equal(await response.text(), 'one')
  assert.equal((await client.registry.getVersion({ model: 'answer', version: 1 })).prompt, 'Answer {{question}}.')
})

test('an import that was cut off goes on, and one that was complete changes nothing', async (t) => {
  const { server, source } = await start(t)
  const cut = (path: string) => {
    if (path.includes(secondRun)) throw new Error('the cable')
  }
  await assert.rejects(take(server, source, cut), /the cable/)
  const resumed = await take(server, source)
  assert.deepEqual([countsHere(resumed), resumed.skipped], [everything, 1])
  const again = await take(server, source, () => assert.fail('no file is sent twice'))
  assert.deepEqual([countsHere(again), again.skipped], [everything, 3])
})

test('the source is only read, and must be a database of MLflow', async (t) => {
  const { server, source, folder } = await start(t)
  const before = readFileSync(join(folder, 'mlflow.db'))
  await take(server, source)
  assert.deepEqual(readFileSync(join(folder, 'mlflow.db')), before)
  assert.throws(() => openSqliteSource(join(folder, 'none.db'), undefined), /There is no file/)
})

test('counts that differ are a failure that names them', () => {
  assert.throws(() => checkCounts([{ what: 'runs', source: 3, here: 2 }]), /runs 2 of 3/)
})
