import assert from 'node:assert/strict'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { typed, typing } from '../../../test/support/typing.ts'
import * as registry from '../../domains/registry/registry.ts'
import { writeMlflowFolder } from '../import/sqlite/mlflow-database.fixture.ts'

const mlmodel = `flavors:
  python_function: {loader_module: mlflow.sklearn, predict_fn: predict}
  sklearn: {pickled_model: model.pkl}
run_id: 0123456789abcdef0123456789abcdef
signature:
  inputs: '[{"type": "double", "name": "distance"}, {"type": "string", "name": "origin", "required": false}]'
  outputs: '[{"type": "long"}]'
`

/** A server of MLflow as far as a spec asks it: one model, two to a page. */
async function mlflow(t: TestContext, answer: (path: string, authorization: string) => unknown): Promise<string> {
  const server = createServer((request, response) => {
    const found = answer(request.url ?? '', request.headers.authorization ?? '')
    const [status, body] = found === undefined ? [404, '{}'] : found === 401 ? [401, '{}'] : [200, found]
    response.writeHead(Number(status), { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const churn = {
  name: 'churn',
  description: 'Who leaves: "soon"? # we call\nthem.',
  aliases: [
    { alias: 'challenger', version: '3' },
    { alias: 'champion', version: '2' },
  ],
}

function churnServer(path: string): unknown {
  if (path.includes('registered-models/search'))
    return path.includes('is_prompt')
      ? { registered_models: [{ name: 'answer', tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }] }] }
      : { registered_models: [churn] }
  if (path.includes('model-versions/search'))
    return {
      model_versions: ['1', '2', '3'].map((version) => ({
        version,
        run_id: 'r2',
        user_id: 'ann@team.example',
        source: 'models:/m-1',
      })),
    }
  if (path.includes('model-versions/get-artifact')) return mlmodel
  if (path.includes('runs/get?run_id=r2'))
    return {
      run: {
        info: { run_id: 'r2', user_id: 'ann' },
        data: { metrics: [{ key: 'roc_auc', value: 0.8 }] },
        inputs: {
          dataset_inputs: [{ dataset: { name: 'march' }, tags: [{ key: 'mlflow.data.context', value: 'training' }] }],
        },
      },
    }
  return undefined
}

const specOf = (cwd: string, model: string) => readFileSync(join(cwd, 'models', `${model}.yaml`), 'utf8')

test('a model of an MLflow server becomes a spec that can be planned as it is, in which every default is explained', async (t) => {
  const cwd = temporaryFolder(t)
  const url = await mlflow(t, churnServer)
  const here = await testServer(t)
  const { keel, shown } = typing({ url: here.url, cwd })
  const said = await keel('adopt', `${url}/`)
  assert.equal(said.code, 0, said.stderr)
  assert.match(said.stdout, /churn +3 +2 +binary +models\/churn\.yaml written/)
  assert.match(said.stdout, /1 prompt/)
  assert.ok(said.stderr.includes(`keel import mlflow --from ${url}\n`), said.stderr)
  const text = specOf(cwd, 'churn')
  for (const part of [
    /^# yaml-language-server: \$schema=http:\/\/127\.0\.0\.1:5335\/schemas\/models\.json\n/,
    /The alias "champion" names version 2/,
    /MLflow's user of version 2\.\nowner: ann@team\.example/,
    /binary, because its run measured roc_auc/,
    /distance \(number\), origin \(string, may be missing\)/,
    /its flavor is sklearn/,
    /Level watch, because/,
    /logged "march" \(training\)/,
    /keel models reference churn@2 train\.csv/,
  ])
    assert.match(text, part)
  assert.match(await shown('plan'), /create +model +churn/)
  await shown('apply')
  const { spec } = await here.client.registry.getModel({ model: 'churn' })
  assert.equal(spec?.level, 'watch')
  assert.equal(spec?.purpose, 'Who leaves: "soon"? # we call them.')
})

test('nothing is written over: neither a file of one’s own nor, the second time, what was adopted', async (t) => {
  const cwd = temporaryFolder(t)
  const url = await mlflow(t, churnServer)
  mkdirSync(join(cwd, 'models'))
  writeFileSync(join(cwd, 'keel.yaml'), 'project: mine\n')
  writeFileSync(join(cwd, 'models', 'of-mine.yaml'), 'model: churn\n')
  const said = await typed(['adopt', url], { cwd })
  assert.match(said.stdout, /models\/of-mine\.yaml is here/)
  assert.deepEqual(globSync('**/*.yaml', { cwd }).sort(), ['keel.yaml', 'models/of-mine.yaml'])
  assert.equal(readFileSync(join(cwd, 'keel.yaml'), 'utf8'), 'project: mine\n')
})

test('--dry-run shows the file and writes none, and --model takes only what it names', async (t) => {
  const cwd = temporaryFolder(t)
  const url = await mlflow(t, churnServer)
  const dry = await typed(['adopt', url, '--dry-run', '--owner', 'eve@team.example'], { cwd })
  assert.match(dry.stdout, /models\/churn\.yaml would be written/)
  assert.match(dry.stdout, /As --owner said\.\nowner: eve@team\.example/)
  const unknown = await typed(['adopt', url, '--model', 'chrn'], { cwd })
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /"chrn" does not exist[\s\S]*Did you mean "churn"\?/)
  assert.deepEqual(globSync('**/*', { cwd }), [])
})

test('every model of more than one page is adopted from our own server, whatever it is called, under a name that a spec may have', async (t) => {
  const cwd = temporaryFolder(t)
  const { app, url } = await testServer(t)
  for (let index = 0; index < 210; index++) await registry.createModel(app.ctx, { name: `model ${index}` })
  for (const name of ['a b', 'a-b', 'a?b', 'Überfall', '日本', '.hidden', "it's", 'x'.repeat(255), 'constructor'])
    await registry.createModel(app.ctx, { name })
  const { shown, data, keel } = typing({ url, cwd })
  type Adopted = { models: { mlflow: string; model: string }[] }
  const { models } = await data<Adopted>('adopt', url)
  assert.equal(models.length, 219)
  assert.equal(new Set(models.map(({ model }) => model.toLowerCase())).size, 219)
  const named = Object.fromEntries(models.map(({ mlflow, model }) => [mlflow, model]))
  assert.deepEqual([named['a-b'], named['Überfall'], named['model 7']], ['a-b', 'Uberfall', 'model-7'])
  assert.match(named['a b'] ?? '', /^a-b-[0-9a-f]{6}$/)
  assert.match(specOf(cwd, 'Uberfall'), /"Überfall" is no name of a spec/)
  assert.match(await shown('plan'), /create +model +Uberfall/)
  // What is here already needs no import.
  assert.doesNotMatch((await keel('adopt', url)).stderr, /import/)
})

test('what is no MLflow is refused with the way out, and nothing is written', async (t) => {
  const cwd = temporaryFolder(t)
  const page = await mlflow(t, () => '<!doctype html><title>Sign in</title>')
  const array = await mlflow(t, () => '[]')
  const endless = await mlflow(t, (path) => (path.includes('registered') ? { next_page_token: 'again' } : undefined))
  for (const [place, code, expected] of [
    ['http://127.0.0.1:1', 6, /does not answer/],
    [page, 1, /is no MLflow server: it answered 200 .* with a page of HTML/],
    [array, 1, /is no MLflow server/],
    [endless, 1, /the same page .* again and again/],
    ['http://', 2, /no address/],
    ['localhost:5000', 2, /keel adopt http:\/\/localhost:5000/],
    ['nowhere', 2, /There is no folder or file "nowhere"/],
  ] as const) {
    const refused = await typed(['adopt', place], { cwd })
    assert.equal(refused.code, code, `${place}: ${refused.stderr}`)
    assert.match(refused.stderr, expected)
  }
  const empty = await typed(['adopt', await mlflow(t, (path) => (path.includes('search') ? {} : undefined))], { cwd })
  assert.deepEqual([empty.code, /has no registered model/.test(empty.stdout)], [0, true])
  assert.deepEqual(globSync('**/*', { cwd }), [])
})

test('name and password or a token are read as MLflow’s client reads them, and shown nowhere', async (t) => {
  const cwd = temporaryFolder(t)
  const seen = new Set<string>()
  const url = await mlflow(t, (path, authorization) => {
    seen.add(authorization)
    return authorization === '' ? 401 : churnServer(path)
  })
  const refused = await typed(['adopt', url], { cwd })
  assert.match(refused.stderr, /answered 401[\s\S]*MLFLOW_TRACKING_USERNAME/)
  const both = {
    MLFLOW_TRACKING_USERNAME: 'ann',
    MLFLOW_TRACKING_PASSWORD: 'seesame',
    MLFLOW_TRACKING_TOKEN: 'seesame-token',
  }
  const basic = `Basic ${Buffer.from('ann:seesame').toString('base64')}`
  const inAddress = url.replace('//', '//ann:seesame@')
  for (const [place, environment, header] of [
    [url, both, basic],
    [url, { MLFLOW_TRACKING_TOKEN: 'seesame-token' }, 'Bearer seesame-token'],
    [inAddress, {}, basic],
  ] as const) {
    seen.clear()
    const { code, stdout, stderr } = await typed(['adopt', place, '--json'], { cwd, environment })
    const written = globSync('**/*.yaml', { cwd }).map((path) => readFileSync(join(cwd, path), 'utf8'))
    assert.equal(code, 0, stderr)
    assert.deepEqual(
      [...seen].filter((one) => one !== ''),
      [header],
    )
    assert.ok(![stdout, stderr, ...written].join('').includes('seesame'))
  }
})

test('a database, a store of files and a folder of saved models are adopted, too', async (t) => {
  const cwd = temporaryFolder(t)
  const database = writeMlflowFolder(temporaryFolder(t))
  assert.equal((await typed(['adopt', database], { cwd })).code, 0)
  assert.match(specOf(cwd, 'delay'), /The alias "champion" names version 3/)

  const store = temporaryFolder(t)
  const files = {
    'models/demand/meta.yaml': 'name: demand\ndescription: null\n',
    'models/demand/aliases/prod': '1',
    'models/demand/version-1/meta.yaml': 'version: 1\nsource: file:///old/place/0/ab/artifacts/model\nuser_id: bob\n',
    '0/ab/artifacts/model/MLmodel': mlmodel,
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(store, path, '..'), { recursive: true })
    writeFileSync(join(store, path), text)
  }
  assert.equal((await typed(['adopt', store], { cwd })).code, 0)
  assert.match(specOf(cwd, 'demand'), /The alias "prod" names version 1[\s\S]*owner: bob[\s\S]*distance \(number\)/)

  const saved = temporaryFolder(t)
  mkdirSync(join(saved, 'late flights', 'model'), { recursive: true })
  writeFileSync(join(saved, 'late flights', 'model', 'MLmodel'), mlmodel)
  assert.equal((await typed(['adopt', saved], { cwd })).code, 0)
  assert.match(specOf(cwd, 'late-flights'), /answers with long, as classes do[\s\S]*distance \(number\)/)
})
