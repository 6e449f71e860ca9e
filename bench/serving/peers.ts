import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server that is no part of this project, as a process of its own. */
export type Peer = { port: number; stop(): Promise<void> }

const patience = 120_000

/** `mlflow models serve` with one worker, its default, as ours is one process. */
export async function startMlflowServe(python: string, folder: string, wanted?: number): Promise<Peer> {
  const port = wanted ?? (await freePort())
  const args = ['-m', 'mlflow', 'models', 'serve', '-m', join(folder, 'mlflow'), '--env-manager', 'local']
  return start(python, [...args, '-h', '127.0.0.1', '-p', String(port)], { folder, port, ready: '/ping' })
}

/** MLServer with its default of one worker process, or with 0: inference in the server's own process. */
export async function startMlserver(python: string, folder: string, workers = 1, wanted?: number): Promise<Peer> {
  const [port, grpc, metrics] = [wanted ?? (await freePort()), await freePort(), await freePort()]
  const settings = { host: '127.0.0.1', http_port: port, grpc_port: grpc, metrics_port: metrics, debug: false }
  writeFileSync(
    join(folder, 'mlserver', 'settings.json'),
    JSON.stringify({ ...settings, parallel_workers: workers, logging_settings: null }),
  )
  const program = join(dirname(python), 'mlserver')
  return start(program, ['start', '.'], { folder: join(folder, 'mlserver'), port, ready: '/v2/health/ready' })
}

type Place = { folder: string; port: number; ready: string }

export async function start(command: string, args: string[], { folder, port, ready }: Place): Promise<Peer> {
  const began = performance.now()
  const { PATH = '', HOME = '' } = process.env
  const output = process.env['KEEL_VERBOSE'] ? 'inherit' : 'ignore'
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH: `${dirname(command)}:${PATH}`, HOME, MLFLOW_DISABLE_TELEMETRY: 'true', PYTHONSAFEPATH: '1' },
    stdio: ['ignore', output, output],
    detached: true,
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.once('error', () => {})
  while (!(await answers(`http://127.0.0.1:${port}${ready}`))) {
    if (child.pid === undefined || child.exitCode !== null || performance.now() - began > patience) {
      end(child, 'SIGKILL')
      throw new Error(`${command} did not start: run again with KEEL_VERBOSE=1 to see why.`)
    }
    await sleep(50)
  }
  return {
    port,
    async stop() {
      end(child, 'SIGTERM')
      const force = setTimeout(() => end(child, 'SIGKILL'), 10_000)
      await ended
      clearTimeout(force)
    },
  }
}

/** The whole group: these servers are processes with children. */
function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).status === 200
  } catch {
    // It listens to nobody yet.
    return false
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
