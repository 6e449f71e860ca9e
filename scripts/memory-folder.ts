import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { constants, freemem } from 'node:os'

const needed = 6e9

/**
 * Temporary files go to memory where Linux has enough of it: what tests write does not have to outlive the machine,
 * and there nothing waits for a disk. A TMPDIR that is set stays.
 */
export function writeToMemory(): void {
  const mounted = existsSync('/proc/mounts') ? readFileSync('/proc/mounts', 'utf8') : ''
  const options = / \/dev\/shm tmpfs (\S+)/.exec(mounted)?.[1]?.split(',') ?? ['ro']
  if (process.env['TMPDIR'] || options.includes('ro') || options.includes('noexec')) return
  const { bavail, bsize } = statfsSync('/dev/shm')
  if (Math.min(bavail * bsize, freemem()) < needed) return
  const folder = mkdtempSync('/dev/shm/keel-tests-')
  process.env['TMPDIR'] = folder
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
}
