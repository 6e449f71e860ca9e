// Plain JavaScript: keeps what was compiled for the next start, in the user's folder of caches.
import * as module from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Long enough for a server to have read what its first requests need. */
const settled = 5_000

/**
 * Threads and children use the same folder, by its variable. An installation is never written to; where the user's folder
 * cannot be written either, the machine's folder for temporary files has to do, and without that all is compiled each time.
 */
export function keepCompiled() {
  const { ENABLED, ALREADY_ENABLED, FAILED } = module.constants.compileCacheStatus
  let kept = module.enableCompileCache(process.env.NODE_COMPILE_CACHE ?? userFolder())
  if (kept.status === FAILED) kept = module.enableCompileCache()
  if (kept.status !== ENABLED && kept.status !== ALREADY_ENABLED) return
  if (kept.status === ENABLED) process.env.NODE_COMPILE_CACHE = kept.directory
  // A server that is killed would leave nothing.
  setTimeout(() => module.flushCompileCache(), settled).unref()
}

function userFolder() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'keel', 'compiled')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'keel', 'compiled')
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'keel', 'compiled')
}
