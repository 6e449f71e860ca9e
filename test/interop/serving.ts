import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { bodiesOf, makeModel, type Table } from '../../bench/serving/model.ts'
import { type Peer, startMlflowServe, startMlserver } from '../../bench/serving/peers.ts'
import { type App, createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'
import { transaction } from '../../src/core/transaction.ts'
import * as access from '../../src/domains/access/access.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { startLlm } from '../support/llm.ts'
import { createSuite } from '../support/suite.ts'
import { spec } from '../support/trips.ts'
import { pythonWith } from './python-tools.ts'
import { addEndpoint } from './serving-endpoint.ts'

/** Unmodified Python clients before a server of ours, and real model servers behind its gateway. */
const { check, skip, end } = createSuite()

/** What a script in Python found. */
function report({ name, ok, detail }: { name: string; ok: boolean; detail: string }): Promise<void> {
  return check(name, () => {
    if (!ok) throw new Error(detail)
    return detail
  })
}

const patience = 60_000

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const ends = performance.now() + patience
  while (!(await holds())) {
    if (performance.now() > ends) throw new Error(`${what} did not happen within ${patience / 1_000} s.`)
    await sleep(100)
  }
}

type World = { app: App; url: string; table: Table; folder: string }

async function ask(url: string, endpoint: string, inputs: unknown): Promise<{ status: number; output: unknown }> {
  const reply = await fetch(`${url}/api/v1/predict/${endpoint}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(inputs),
  })
  const body = (await reply.json()) as { output?: unknown }
  return { status: reply.status, output: body.output }
}

/** Every row, by itself and all in one request, as scikit-learn answers it. */
async function checkAnswers({ url, table }: World, endpoint: string): Promise<string> {
  const { plain } = bodiesOf(table)
  for (const [index, body] of plain.slice(0, 20).entries()) {
    const { status, output } = await ask(url, endpoint, body)
    near(status, output, table.answers[index])
  }
  const reply = await fetch(`${url}/serve/${endpoint}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataframe_split: { columns: table.columns, data: table.rows } }),
  })
  const { predictions = [] } = (await reply.json()) as { predictions?: unknown[] }
  for (const [index, answer] of table.answers.entries()) near(reply.status, predictions[index], answer)
  return `${20 + table.rows.length} rows as scikit-learn answers them`
}

function near(status: number, found: unknown, wanted: number | undefined): void {
  const close = typeof found === 'number' && Math.abs(found - (wanted ?? Number.NaN)) < 1e-9
  if (status !== 200 || !close) throw new Error(`status ${status}, answer ${String(found)} instead of ${wanted}`)
}

async function checkLogged({ app, table }: World, endpoint: string): Promise<string> {
  await serving.flushLog(app.ctx)
  const { items } = await serving.listPredictions(app.ctx, { endpoint, limit: 1_000 })
  const good = items.filter(({ bad }) => bad === null)
  if (good.length < 20 + table.rows.length) throw new Error(`only ${good.length} predictions are in the log`)
  return `${good.length} predictions with their inputs`
}

async function behindUpstream(world: World, endpoint: string, peer: () => Promise<Peer>, protocol: 'mlflow' | 'oip') {
  const { app, url, table } = world
  let there = await peer()
  const address = `http://127.0.0.1:${there.port}`
  await addEndpoint(app.ctx, {
    name: endpoint,
    columns: table.columns,
    flavor: 'remote',
    serves: { upstream: { protocol, urls: [address], ...(protocol === 'oip' ? { model: 'table' } : {}) } },
  })
  await check(`${endpoint}: behind the gateway`, () => checkAnswers(world, endpoint))
  await check(`${endpoint}: in the log`, () => checkLogged(world, endpoint))
  await check(`${endpoint}: gone, then there again`, async () => {
    const [body] = bodiesOf(table).plain
    const { port } = there
    await there.stop()
    let status = 200
    await until('a refusal', async () => {
      ;({ status } = await ask(url, endpoint, body))
      return status >= 500
    })
    there = await startAgain(port)
    await until('an answer', async () => (await ask(url, endpoint, body)).status === 200)
    return `${status} meanwhile`
  })
  await there.stop()

  /** The same port again, so that the address in the spec holds. */
  async function startAgain(port: number): Promise<Peer> {
    return protocol === 'oip'
      ? startMlserver(mlserverPython, world.folder, 0, port)
      : startMlflowServe(servingPython, world.folder, port)
  }
}

let servingPython = ''
let mlserverPython = ''

/** `mlflow models serve` as a child process of the server. */
async function asChild(world: World): Promise<void> {
  const { app, url, table, folder } = world
  const endpoint = 'mlflow-child'
  const bin = dirname(servingPython)
  const command = ['env', `PATH=${bin}:/usr/bin:/bin`, 'MLFLOW_DISABLE_TELEMETRY=true', servingPython, '-m', 'mlflow']
  const serve = ['models', 'serve', '-m', '{artifact}', '--env-manager', 'local', '-h', '127.0.0.1', '-p', '{port}']
  await addEndpoint(app.ctx, {
    name: endpoint,
    columns: table.columns,
    flavor: 'remote',
    path: join(folder, 'mlflow'),
    serves: { run: { protocol: 'mlflow', command: [...command, ...serve], start_within: '2m' } },
  })
  await check('mlflow models serve as a child process', () => checkAnswers(world, endpoint))
  await check('mlflow models serve as a child process: in the log', () => checkLogged(world, endpoint))
  await check('mlflow models serve as a child process: killed, and started again', async () => {
    for (const pid of scorers()) process.kill(pid, 'SIGKILL')
    const restarts = () => serving.getEndpoint(app.ctx, { endpoint }).versions[0]?.restarts ?? 0
    await until('a restart', () => restarts() > 0)
    const [body] = bodiesOf(table).plain
    await until('an answer', async () => (await ask(url, endpoint, body)).status === 200)
    return `${restarts()} restart`
  })
}

/** MLflow's scoring processes among the descendants of this one. */
function scorers(): number[] {
  const about = new Map<number, { parent: number; command: string }>()
  for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      about.set(Number(name), { parent, command: readFileSync(`/proc/${name}/cmdline`, 'utf8') })
    } catch {
      // It ended between the two looks.
    }
  }
  const ours = (pid: number): boolean => pid === process.pid || (pid > 1 && ours(about.get(pid)?.parent ?? 0))
  const found = [...about].filter(([pid, { command }]) => command.includes('scoring_server.app') && ours(pid))
  if (found.length === 0) throw new Error('no process of mlflow models serve is there')
  return found.map(([pid]) => pid)
}

/** Everything that the unmodified clients do; `theirs` is the server that they were made for. */
async function clients({ url, folder }: World, script: string, args: string[]): Promise<void> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(servingPython, ['-I', path, url, ...args], {
    cwd: folder,
    env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true' },
    stdio: ['ignore', 'pipe', process.env['KEEL_VERBOSE'] ? 'inherit' : 'ignore'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const limit = setTimeout(() => child.kill('SIGKILL'), 5 * patience)
  for await (const line of createInterface({ input: child.stdout }))
    if (line.startsWith('{"name"')) await report(JSON.parse(line) as Parameters<typeof report>[0])
  const code = await ended
  clearTimeout(limit)
  if (code !== 0) await report({ name: script, ok: false, detail: 'Python ended with an error, or too late' })
}

/** An endpoint that is a prompt before a provider of the tests, asked by OpenAI's client. */
async function withLanguageModel(world: World): Promise<void> {
  const { ctx } = world.app
  const [name, llm] = ['support-bot', await startLlm()]
  try {
    const provider = { url: llm.url, model: 'tiny' }
    await registry.applySpec(ctx, { ...spec, model: name, serves: { output: 'text', provider } })
    await registry.registerVersion(ctx, { model: name, flavor: 'prompt', prompt: 'Answer briefly: {{question}}' })
    const live = { release: `${name}.r1`, version: 1 }
    const routing = { endpoint: name, live, canary: null, shadow: null, warm: [] }
    await serving.prepareRouting(ctx, routing)
    await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
    const { token } = await access.createToken(ctx, { name: 'openai-client', role: 'viewer' })
    await clients(world, 'serving-openai.py', [token])
  } finally {
    await llm.close()
  }
}

const tools = pythonWith('serving')
if ('missing' in tools) skip('everything', tools.missing)
else {
  servingPython = tools.python
  const folder = mkdtempSync(join(tmpdir(), 'keel-interop-serving-'))
  const { config } = resolveConfig({ environment: {} })
  const app = await createApp({
    config: { ...config, port: '0', log: process.env['KEEL_VERBOSE'] ? 'warn' : 'silent', egress: '127.0.0.1' },
    root: join(folder),
  })
  try {
    const table = makeModel(servingPython, folder)
    const world: World = { app, url: await app.listen({ port: 0 }), table, folder }
    const model = join(folder, 'model.onnx')
    await addEndpoint(app.ctx, { name: 'ridge', columns: table.columns, flavor: 'onnx', path: model })
    const theirs = await startMlflowServe(servingPython, folder)
    const place = `http://127.0.0.1:${theirs.port}`
    await clients(world, 'serving-clients.py', [place, join(folder, 'rows.json')]).finally(() => theirs.stop())
    await withLanguageModel(world)
    await asChild(world)
    await behindUpstream(world, 'mlflow-upstream', () => startMlflowServe(servingPython, folder), 'mlflow')
    const mlserver = pythonWith('mlserver')
    if ('missing' in mlserver) skip('MLServer as an upstream', mlserver.missing)
    else {
      mlserverPython = mlserver.python
      await behindUpstream(world, 'mlserver-upstream', () => startMlserver(mlserverPython, folder), 'oip')
    }
  } finally {
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
end()
