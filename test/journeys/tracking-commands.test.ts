import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testServer } from '../support/context.ts'
import { temporaryFolder } from '../support/folder.ts'
import { typing } from '../support/typing.ts'

async function start(t: TestContext) {
  const cwd = temporaryFolder(t)
  const server = await testServer(t)
  return { ...server, ...typing({ url: server.url, cwd }), cwd }
}

async function twoRuns({ client }: Awaited<ReturnType<typeof start>>): Promise<[string, string]> {
  const ids: string[] = []
  for (const [name, auc, depth] of [
    ['first', 0.7, '3'],
    ['second', 0.8, '5'],
  ] as const) {
    const { id } = await client.runs.create({ experiment: 'flights', name, params: { depth, model: 'tree' } })
    await client.runs.logBatch({ run: id, metrics: [{ key: 'auc', value: auc }] })
    await client.runs.finish({ run: id, status: 'finished' })
    ids.push(id)
  }
  return [ids[0] ?? '', ids[1] ?? '']
}

test('runs are searched in the language of MLflow, and only the asked fields are printed', async (t) => {
  const here = await start(t)
  await twoRuns(here)
  const found = await here.keel(
    ...['runs', 'search', "metrics.auc > 0.6 AND params.model = 'tree'", '--order', 'metrics.auc DESC'],
    ...['--jsonl', '--fields', 'name,metrics.auc'],
  )
  assert.deepEqual(
    found.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    [
      { name: 'second', 'metrics.auc': 0.8 },
      { name: 'first', 'metrics.auc': 0.7 },
    ],
  )
  const bad = await here.keel('runs', 'search', 'metrics.auc > OR', '--jsonl')
  assert.equal(bad.code, 2)
  assert.equal((JSON.parse(bad.stdout) as { error: { code: string } }).error.code, 'invalid_input')
})

test('a list streams to its end, page by page', async (t) => {
  const here = await start(t)
  for (let i = 0; i < 105; i++) await here.client.runs.create({ experiment: 'many', name: `run-${i}` })
  const all = await here.keel('runs', 'list', '--jsonl', '--fields', 'name')
  assert.equal(all.stdout.trim().split('\n').length, 105)
  const shown = await here.keel('runs', 'list', '--json')
  assert.equal((JSON.parse(shown.stdout) as unknown[]).length, 100)
  const few = await here.keel('runs', 'list', '--json', '--limit', '7')
  assert.equal((JSON.parse(few.stdout) as unknown[]).length, 7)
})

test('runs are compared by what differs, exported as a table, deleted and restored', async (t) => {
  const here = await start(t)
  const [first, second] = await twoRuns(here)
  const compared = await here.keel('runs', 'compare', first, second, '--json')
  assert.deepEqual((JSON.parse(compared.stdout) as { differences: unknown }).differences, [
    { kind: 'params', key: 'depth', values: ['3', '5'] },
    { kind: 'metrics', key: 'auc', values: [0.7, 0.8] },
  ])
  const diff = await here.keel('runs', 'diff', first, second, '--json')
  assert.deepEqual(JSON.parse(diff.stdout), [
    { kind: 'params', key: 'depth', from: '3', to: '5' },
    { kind: 'metrics', key: 'auc', from: 0.7, to: 0.8 },
  ])
  await here.keel('runs', 'export', '--order', 'metrics.auc ASC', '--out', 'runs.csv')
  const [header, row] = readFileSync(join(here.cwd, 'runs.csv'), 'utf8').split('\n')
  assert.match(header ?? '', /^run,experiment,name,status,started,ended,params\.depth,params\.model,metrics\.auc,/)
  assert.ok(row?.startsWith(`${first},flights,first,finished,`))

  await here.keel('runs', 'delete', first)
  assert.equal((JSON.parse((await here.keel('runs', 'list', '--json')).stdout) as unknown[]).length, 1)
  assert.equal((JSON.parse((await here.keel('runs', 'list', '--deleted', '--json')).stdout) as unknown[]).length, 1)
  await here.keel('runs', 'restore', first)
  assert.equal((JSON.parse((await here.keel('runs', 'list', '--json')).stdout) as unknown[]).length, 2)
})

test('a prompt is pushed once for each text, shows its variables, and its versions are compared', async (t) => {
  const here = await start(t)
  const file = join(here.cwd, 'answer.txt')
  writeFileSync(file, 'Answer {{question}} kindly.\nBe brief.')
  const pushed = await here.keel('prompts', 'push', 'answer', 'answer.txt', '--alias', 'production', '--json')
  assert.deepEqual((JSON.parse(pushed.stdout) as { variables: string[] }).variables, ['question'])
  await here.keel('prompts', 'push', 'answer', 'answer.txt')
  writeFileSync(file, 'Answer {{question}} for {{reader}}.\nBe brief.')
  await here.keel('prompts', 'push', 'answer', 'answer.txt')

  const list = JSON.parse((await here.keel('prompts', 'list', '--json')).stdout) as { latestVersion: number }[]
  assert.deepEqual(
    list.map(({ latestVersion }) => latestVersion),
    [2],
  )
  const diff = await here.keel('prompts', 'diff', 'answer@production', 'answer')
  assert.equal(diff.stdout, '- Answer {{question}} kindly.\n+ Answer {{question}} for {{reader}}.\n  Be brief.\n')
  const shown = await here.keel('prompts', 'show', 'answer@1')
  assert.equal(shown.stdout, 'Answer {{question}} kindly.\nBe brief.\n')
  await here.keel('prompts', 'export', 'answer@1', '--to', 'out')
  assert.equal(readFileSync(join(here.cwd, 'out', 'prompt.txt'), 'utf8'), 'Answer {{question}} kindly.\nBe brief.')
  const version = await here.client.registry.getVersion({ model: 'answer', version: 1 })
  assert.equal(version.tags['mlflow.prompt.text'], version.prompt)
})

test('bytes go in and come out as they were; a version brings its files along', async (t) => {
  const here = await start(t)
  writeFileSync(join(here.cwd, 'weights.bin'), Buffer.from([0, 1, 2, 255]))
  const put = await here.keel('artifacts', 'put', 'weights.bin', '--json')
  const { digest } = JSON.parse(put.stdout) as { digest: string }
  await here.keel('artifacts', 'get', digest, '--to', 'copy')
  assert.deepEqual([...readFileSync(join(here.cwd, 'copy', 'weights.bin'))], [0, 1, 2, 255])

  await here.client.registry.createModel({ name: 'delay' })
  for (const constant of [1, 2])
    await here.client.registry.registerVersion({ model: 'delay', flavor: 'constant', constant })
  await here.keel('models', 'alias', 'delay@2', 'champion')
  const models = JSON.parse((await here.keel('models', 'list', '--json')).stdout) as { aliases: unknown }[]
  assert.deepEqual(models[0]?.aliases, { champion: 2 })
  const refused = await here.keel('models', 'alias', 'delay@2', 'live')
  assert.equal(refused.code, 5)
  const exported = await here.keel('models', 'export', 'delay@2', '--to', 'out')
  assert.equal(exported.code, 0)
  const kept = JSON.parse(readFileSync(join(here.cwd, 'out', 'version.json'), 'utf8')) as {
    version: { constant: number }
  }
  assert.equal(kept.version.constant, 2)
})
