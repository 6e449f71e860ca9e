import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSuite } from '../support/suite.ts'
import { demand, installInto, pack, readManifest, root } from './installed.ts'

/** What a user does with the published package, in an empty folder. Its last line counts, as those of every suite do. */
const folder = mkdtempSync(join(tmpdir(), 'keel-package-'))
const project = join(folder, 'project')
const largest = 15 * 1024 * 1024
const { check, end } = createSuite()

function keel(...args: string[]) {
  const launcher = join(project, 'node_modules', '.bin', 'keel')
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], {
    cwd: project,
    encoding: 'utf8',
  })
  return { status, stdout, stderr, said: `${stdout}${stderr}` }
}

async function startServer(): Promise<{ url: string; stop: () => Promise<number | null> }> {
  const launcher = join(project, 'node_modules', '.bin', 'keel')
  const child = spawn(process.execPath, [launcher, 'up', '--port', '0', '--json'], { cwd: project })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  let [said, complaint] = ['', '']
  child.stderr.on('data', (chunk) => (complaint += chunk))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (said.includes('\n')) resolve((JSON.parse(said.split('\n')[0] ?? '') as { url: string }).url)
    })
    ended.then((code) => reject(new Error(`The server ended with ${code}: ${complaint}`)))
  })
  const stop = () => {
    child.kill('SIGTERM')
    return ended
  }
  return { url, stop }
}

function contents(): void {
  const installed = join(project, 'node_modules', 'evenkeel')
  const files = globSync('**/*', { cwd: installed })
  assert.deepEqual(
    files.filter((path) => /\.test\.|^(src|test|bench|scripts|node_modules)\b/.test(path)),
    [],
  )
  const size = files.reduce((sum, path) => sum + readIfFile(join(installed, path)).length, 0)
  assert.ok(size < largest, `${size} bytes`)
  assert.deepEqual(
    Object.keys(readManifest(installed)).filter((key) => /^(dev|optional)Dep|^scripts/.test(key)),
    [],
  )
  for (const path of [
    'examples/flights/data/flights.csv.gz',
    'web/dist/index.html',
    'dist/client.d.ts',
    'dist/comparison-worker.js',
  ])
    assert.ok(existsSync(join(installed, path)), path)
}

function readIfFile(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch {
    return new Uint8Array()
  }
}

function compareTwoFiles(): void {
  const rows = (flip: number) =>
    Array.from({ length: 300 }, (_, id) => {
      const label = id % 2
      return JSON.stringify({ id, label, prediction: id % flip === 0 ? 1 - label : label })
    }).join('\n')
  writeFileSync(join(project, 'base.jsonl'), rows(7))
  writeFileSync(join(project, 'candidate.jsonl'), rows(3))
  const compare = (candidate: string) =>
    keel('compare', 'base.jsonl', candidate, '--metric', 'accuracy', '--margin', '0.05')
  const [same, worse] = [compare('base.jsonl'), compare('candidate.jsonl')]
  assert.equal(same.status, 0, same.said)
  assert.equal(worse.status, 3, worse.said)
}

/** The model is opened and asked in a thread of its own, which the package has as a file of its own. */
function registerModel(): void {
  const signature = {
    inputs: ['age', 'tenure', 'calls'].map((name) => ({ name, type: 'number' })),
    output: { name: 'probability', type: 'number' },
  }
  writeFileSync(join(project, 'signature.json'), JSON.stringify(signature))
  keel('api', 'registry.createModel', 'name=churn')
  const model = join(root, 'test', 'fixtures', 'models', 'label-and-probabilities.onnx')
  const { status, said } = keel('models', 'register', 'churn', '--file', model, '--signature', 'signature.json')
  assert.equal(status, 0, said)
}

function useTypedClient(url: string): void {
  writeFileSync(
    join(project, 'ask.mts'),
    `import { createClient, ProblemError } from 'evenkeel/client'
const client = createClient({ url: ${JSON.stringify(url)} })
const found = await client.registry.getVersion({ model: 'churn', version: 1 })
const version: number = found.version
// @ts-expect-error A version is a number.
await client.registry.getVersion({ model: 'churn', version: 'x' }).catch((error) => console.log(error instanceof ProblemError))
console.log(version)
`,
  )
  const types = [
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--lib',
    'es2024,dom',
    '--types',
    '',
    '--strict',
    '--noEmit',
  ]
  demand(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...types, 'ask.mts'], project)
  assert.equal(demand(process.execPath, ['ask.mts'], project), 'true\n1\n')
}

async function quickStart(): Promise<void> {
  await check('an empty folder gets the package', () => {
    const how = installInto(project, pack(folder))
    assert.equal(keel('--version').stdout, `${readManifest(root).version}\n`)
    return how
  })
  await check('it holds what it needs, in less than 15 MB, and nothing of the clone', contents)
  await check('keel init', () => assert.equal(keel('init').status, 0))
  await check('keel compare', compareTwoFiles)
  const server = await startServer()
  await check('keel up: ready, and it shows the screens', async () => {
    assert.equal((await fetch(`${server.url}/v2/health/ready`)).status, 200)
    assert.match(await (await fetch(server.url)).text(), /<script/)
    assert.equal((await fetch(`${server.url}/schemas/models.json`)).status, 200)
  })
  await check('keel status', () => assert.match(keel('status').stdout, /No models yet/))
  await check('keel plan', () => assert.equal(keel('plan').status, 0))
  await check('keel init --template', () => {
    const beside = join(project, 'beside')
    mkdirSync(beside)
    const launcher = join(project, 'node_modules', '.bin', 'keel')
    demand(process.execPath, [launcher, 'init', '--template', 'monitor-only'], beside)
    assert.ok(existsSync(join(beside, 'models', 'churn.yaml')))
  })
  await check('keel models register', registerModel)
  await check('evenkeel/client, typed', () => useTypedClient(server.url))
  await check('it stops when it is asked', async () => assert.equal(await server.stop(), 0))
}

try {
  await quickStart()
} catch (error) {
  await check('to the end', () => Promise.reject(error))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
end()
process.exit()
