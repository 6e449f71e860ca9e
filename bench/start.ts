import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createApp } from '../src/app.ts'
import { resolveConfig } from '../src/core/config.ts'
import { transaction } from '../src/core/transaction.ts'
import * as serving from '../src/domains/serving/serving.ts'
import { pinnedVersion, pythonWithMlflow } from '../test/interop/python.ts'
import { establish, model, register } from '../test/support/trips.ts'
import { median } from './mlflow/load.ts'
import { openStore, startMlflow } from './mlflow/sides.ts'

/**
 * How long a command and a server take to start: help, the status of a running server, a server in an empty folder, and one
 * in a folder with a project, features and a model (the folder of a demo, if one is given as argument). Where the bench
 * against MLflow has installed it, its command and its server start beside ours. The last line is JSON.
 */
const quick = process.argv.includes('--quick')
const rounds = quick ? 3 : 9
const root = fileURLToPath(new URL('..', import.meta.url))
const launcher = join(root, 'bin', 'keel.js')
const [given] = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))

type Measured = Record<string, number[]>

function note(measured: Measured, name: string, value: number): void {
  measured[name] = [...(measured[name] ?? []), value]
}

function command(program: string, args: string[], cwd: string): number {
  const started = performance.now()
  const { status, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return performance.now() - started
}

/** Starts a server, lets `work` look at it, and stops it. Gives the milliseconds until it said where it is. */
async function server(folder: string, work: (pid: number) => void): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, [launcher, 'up', '--port', '0', '--json'], { cwd: folder })
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  await Promise.race([new Promise((done) => child.stdout.once('data', done)), ended])
  const took = performance.now() - started
  if (child.pid === undefined || child.exitCode !== null) throw new Error(`No server starts in ${folder}`)
  work(child.pid)
  child.kill('SIGTERM')
  await ended
  return took
}

function megabytes(pid: number): number {
  const status = `/proc/${pid}/status`
  if (!existsSync(status)) return Number.NaN
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1]) / 1024
}

/** A project with features and a model that answers. */
async function fill(folder: string): Promise<void> {
  writeFileSync(join(folder, 'keel.yaml'), 'project: trips\n')
  const { config } = resolveConfig({ environment: {} })
  const { ctx, close } = await createApp({ config: { ...config, log: 'silent' }, root: folder })
  await establish(ctx)
  const version = await register(ctx, 'good')
  const routing = { endpoint: model, live: { release: `${model}.r1`, version }, canary: null, shadow: null, warm: [] }
  await serving.prepareRouting(ctx, routing)
  await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
  await close()
}

async function round(measured: Measured, empty: string, full: string, python: string | undefined): Promise<void> {
  note(measured, 'help', command(process.execPath, [launcher, '--help'], empty))
  const look = (pid: number) => {
    note(measured, 'status', command(process.execPath, [launcher, 'status'], empty))
    note(measured, 'memory', megabytes(pid))
  }
  note(measured, 'up, empty folder', await server(empty, look))
  rmSync(join(empty, '.keel'), { recursive: true })
  note(measured, 'up, project', await server(full, () => undefined))
  if (python === undefined) return
  note(measured, 'mlflow --version', command(python, ['-m', 'mlflow', '--version'], empty))
  const store = await openStore('mlflow', undefined)
  const side = await startMlflow(python, store)
  note(measured, 'mlflow server', side.startMilliseconds)
  await side.stop()
  await store.drop()
}

const folders = ['empty', 'full'].map((name) => mkdtempSync(join(tmpdir(), `keel-bench-${name}-`)))
const [empty = '', own = ''] = folders
try {
  const python = existsSync(join(root, '.cache', `mlflow-${pinnedVersion}`)) ? pythonWithMlflow() : undefined
  if (given === undefined) await fill(own)
  const full = given === undefined ? own : resolve(given)
  // The first one compiles what later ones find compiled.
  await round({}, empty, full, undefined)
  const measured: Measured = {}
  for (let n = 0; n < rounds; n++) await round(measured, empty, full, python)
  const medians = Object.fromEntries(
    Object.entries(measured).map(([name, values]) => [name, Math.round(median(values))]),
  )
  for (const [name, value] of Object.entries(medians))
    process.stdout.write(`${name.padEnd(20)} ${String(value).padStart(7)} ${name === 'memory' ? 'MB' : 'ms'}\n`)
  const ratio = (theirs: string, ours: string) => {
    const [a, b] = [medians[theirs], medians[ours]]
    return a === undefined || b === undefined ? null : Number((a / b).toFixed(1))
  }
  const ratios = { command: ratio('mlflow --version', 'help'), server: ratio('mlflow server', 'up, empty folder') }
  process.stdout.write(`${JSON.stringify({ rounds, medians, ratios })}\n`)
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
