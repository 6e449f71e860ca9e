import { type ChildProcess, spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../../bin/keel.js', import.meta.url))

export type Finished = { code: number | null; stdout: string; stderr: string }

type Options = { cwd: string; environment?: Record<string, string> }

function start(args: string[], { cwd, environment = {} }: Options): ChildProcess {
  const { PATH = '', HOME = '' } = process.env
  return spawn(process.execPath, [launcher, ...args], {
    cwd,
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Types a command and waits for its end. */
export async function keel(args: string[], options: Options): Promise<Finished> {
  const child = start(args, options)
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk) => (stdout += chunk))
  child.stderr?.on('data', (chunk) => (stderr += chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout, stderr }
}

/** Starts a command that goes on, and waits until it has printed something that matches. */
export async function keelRunning(
  test: TestContext,
  args: string[],
  options: Options & { until: RegExp },
): Promise<{ child: ChildProcess; printed: () => string; ended: Promise<number | null> }> {
  const child = start(args, options)
  let text = ''
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  test.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: unknown) => {
      text += String(chunk)
      if (options.until.test(text)) resolve()
    }
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    ended.then(() => reject(new Error(`It ended before it printed ${options.until}: ${text}`)))
  })
  return { child, printed: () => text, ended }
}
