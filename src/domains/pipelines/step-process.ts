import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { finished } from 'node:stream/promises'

const graceMilliseconds = 10_000
const logLimitBytes = 64 * 1024 * 1024

type StepProcess = {
  command: string
  cwd: string
  environment: Record<string, string>
  logPath: string
  timeout: number | undefined
  signal: AbortSignal
}

export type StepResult = { exitCode: number | null; stopped: 'timeout' | 'cancelled' | undefined }

/** Runs a command in a process group of its own: what it started ends with it. Its output goes to the log, capped. */
export async function runStep({
  command,
  cwd,
  environment,
  logPath,
  timeout,
  signal,
}: StepProcess): Promise<StepResult> {
  mkdirSync(dirname(logPath), { recursive: true })
  const log = createWriteStream(logPath, { flags: 'a' })
  const child = spawn('/bin/sh', ['-c', command], {
    cwd,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let written = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      if (written < logLimitBytes) log.write(chunk.subarray(0, logLimitBytes - written))
      written += chunk.length
    })
  }
  let stopped: StepResult['stopped']
  let killer: NodeJS.Timeout | undefined

  function stop(because: 'timeout' | 'cancelled'): void {
    stopped ??= because
    signalGroup(child.pid, 'SIGTERM')
    killer ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), graceMilliseconds)
  }
  const cancel = () => stop('cancelled')
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  const timer = timeout === undefined ? undefined : setTimeout(() => stop('timeout'), timeout)

  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve(code))
    })
    return { exitCode, stopped }
  } finally {
    clearTimeout(timer)
    clearTimeout(killer)
    signal.removeEventListener('abort', cancel)
    signalGroup(child.pid, 'SIGKILL')
    log.end(written > logLimitBytes ? `\n[${written - logLimitBytes} more bytes were cut]\n` : '')
    await finished(log)
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
