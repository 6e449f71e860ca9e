import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { openConnection, request } from './load.ts'

/** One of the two servers, as a process of its own. */
export type Side = {
  name: 'keel' | 'mlflow'
  port: number
  /** From the start of the process to its first good answer. */
  startMilliseconds: number
  /** Bytes that its processes hold, shared pages counted once. */
  memory(): number
  stop(): Promise<void>
}

/** Where a server keeps what it is told; `postgres` is the URL of a database or schema of its own. */
export type Store = { folder: string; postgres: string | undefined; drop(): Promise<void> }

const launcher = fileURLToPath(new URL('../../bin/keel.js', import.meta.url))
const patience = 120_000

export async function openStore(name: Side['name'], server: string | undefined): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), `keel-bench-${name}-`))
  if (server === undefined)
    return { folder, postgres: undefined, drop: async () => rmSync(folder, { recursive: true }) }
  const database = `bench_${name}_${process.pid}`
  const admin = new pg.Client({ connectionString: server })
  await admin.connect()
  await admin.query(`create database ${database}`)
  const own = new URL(server)
  own.pathname = `/${database}`
  return {
    folder,
    postgres: own.toString(),
    async drop() {
      await admin.query(`drop database ${database} with (force)`)
      await admin.end()
      rmSync(folder, { recursive: true })
    },
  }
}

export async function startKeel(store: Store): Promise<Side> {
  const port = await freePort()
  const database = store.postgres === undefined ? [] : ['--database', store.postgres]
  return start('keel', port, process.execPath, [launcher, 'up', '--port', String(port), ...database], store)
}

/** One worker process, as ours is one; what MLflow starts beside its server only to run jobs stays off. */
export async function startMlflow(python: string, store: Store): Promise<Side> {
  const port = await freePort()
  const backend =
    store.postgres?.replace(/^postgres:/, 'postgresql+psycopg2:') ?? `sqlite:///${join(store.folder, 'mlflow.db')}`
  const args = ['--host', '127.0.0.1', '--port', String(port), '--workers', '1', '--backend-store-uri', backend]
  return start('mlflow', port, python, ['-m', 'mlflow', 'server', ...args], store)
}

async function start(
  name: Side['name'],
  port: number,
  command: string,
  args: string[],
  { folder }: Store,
): Promise<Side> {
  const started = performance.now()
  const { PATH = '', HOME = '' } = process.env
  const quiet = { MLFLOW_DISABLE_TELEMETRY: 'true', MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false', KEEL_LOG: 'error' }
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH, HOME, ...quiet },
    stdio: ['ignore', 'ignore', process.env['KEEL_VERBOSE'] ? 'inherit' : 'ignore'],
    detached: true,
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    end(child, 'SIGTERM')
    const force = setTimeout(() => end(child, 'SIGKILL'), 10_000)
    await ended
    clearTimeout(force)
  }
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() - started > patience) {
      end(child, 'SIGKILL')
      throw new Error(`${name} did not start: run again with KEEL_VERBOSE=1 to see why.`)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const startMilliseconds = performance.now() - started
  return { name, port, startMilliseconds, memory: () => memoryOf(child.pid ?? 0), stop }
}

/** The whole group: MLflow's server is a process with children. */
function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    const connection = await openConnection(port)
    const { status } = await connection.send(request('GET', '/health')).finally(() => connection.close())
    return status === 200
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function memoryOf(root: number): number {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const fields = read(`/proc/${name}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')
    parents.set(Number(name), Number(fields[1]))
  }
  const belongs = (pid: number): boolean => pid === root || (pid > 1 && belongs(parents.get(pid) ?? 0))
  return [...parents.keys()].filter(belongs).reduce((sum, pid) => sum + bytesOf(pid), 0)
}

function bytesOf(pid: number): number {
  const shared = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1]
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1]
  return Number(shared ?? resident ?? 0) * 1024
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
