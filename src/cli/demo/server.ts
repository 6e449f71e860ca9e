import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import { readOwner } from '../../core/lock.ts'
import { inPackage } from '../../package-folder.ts'
import { answers } from '../kit/kit.ts'

const launcher = inPackage('bin/keel.js')
const patienceMilliseconds = 30_000

/** Starts `keel up` with a simulated clock in a project's folder, as a process that outlives this one. */
export async function startServer(project: string, port: string): Promise<string> {
  const folder = join(project, '.keel')
  mkdirSync(folder, { recursive: true })
  const log = openSync(join(folder, 'server.log'), 'a')
  const child = spawn(process.execPath, [launcher, 'up', '--clock', 'simulated', '--port', port], {
    cwd: project,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let ended = false
  child.once('exit', () => {
    ended = true
  })
  child.unref()
  const deadline = Date.now() + patienceMilliseconds
  while (Date.now() < deadline && !ended) {
    const owner = readOwner(folder)
    if (owner && owner.pid === child.pid && (await answers(owner.url))) return owner.url
    await sleep(50)
  }
  throw new AppError('not_ready', 'The demo server did not start.', { hint: `See ${join(folder, 'server.log')}` })
}

/** Asks the server of a project to stop, and waits until it let go of its folder: it writes there until then. */
export async function stopServer(project: string): Promise<void> {
  const folder = join(project, '.keel')
  const owner = readOwner(folder)
  if (!owner || !(await answers(owner.url))) return
  process.kill(owner.pid, 'SIGTERM')
  const deadline = Date.now() + patienceMilliseconds
  while (Date.now() < deadline && readOwner(folder)) await sleep(50)
}
