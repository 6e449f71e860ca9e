import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Measured, Order } from './load.ts'
import type { BenchServerInput } from './server.ts'

/** A server of this folder in a process of its own, which ends when its input does. */
export type Running = { port: number; url: string; stop(): Promise<void> }

export function startOurs(folder: string, endpoints: BenchServerInput[], egress = ''): Promise<Running> {
  return serve('server.ts', folder, egress, JSON.stringify(endpoints))
}

export function startUpstream(): Promise<Running> {
  return serve('upstream.ts')
}

async function serve(file: string, ...args: string[]): Promise<Running> {
  const { child, lines } = run(file, args)
  const url = await nextLine(lines)
  return { port: Number(new URL(url).port), url, stop: () => end(child) }
}

/** The one client of a whole run: warm for all, and never in the process of a server. */
export type Load = { measure(order: Order): Promise<Measured>; stop(): Promise<void> }

export async function startLoad(): Promise<Load> {
  const { child, lines } = run('load.ts', [])
  await nextLine(lines)
  return {
    async measure(order) {
      child.stdin?.write(`${JSON.stringify(order)}\n`)
      return JSON.parse(await nextLine(lines)) as Measured
    },
    stop: () => end(child),
  }
}

type Lines = AsyncIterator<string>

function run(file: string, args: string[]): { child: ChildProcess; lines: Lines } {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

async function nextLine(lines: Lines): Promise<string> {
  const { value, done } = await lines.next()
  if (done) throw new Error('A process of the bench ended before it answered.')
  return value
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.stdin?.end()
  await ended
}
