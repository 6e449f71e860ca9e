import { readdirSync, readFileSync } from 'node:fs'
import type { Context } from '../../../core/context.ts'
import type { Child } from './child.ts'

const pageBytes = 4_096
const everyMilliseconds = 1_000
const unitBytes: Record<string, number> = { MB: 1024 ** 2, GB: 1024 ** 3 }

/** Ends a process that uses more than `most`, such as `2GB`; without it none is too much. */
export function watchMemory(
  ctx: Context,
  child: Child,
  { name, most }: { name: string; most: string | undefined },
): void {
  const [, count, unit = ''] = /^([0-9]+)(MB|GB)$/.exec(most ?? '') ?? []
  if (count === undefined) return
  const bytes = Number(count) * (unitBytes[unit] ?? 1)
  const timer = setInterval(() => {
    if (child.over) return clearInterval(timer)
    const used = memoryOf(child)
    if (used !== undefined && used > bytes) {
      ctx.log.error(
        { model: name, used, most: bytes },
        'the process of a model uses more memory than it may and is ended',
      )
      child.end()
    }
  }, everyMilliseconds)
  timer.unref()
}

/** Resident bytes of the whole process group, on Linux. */
export function memoryOf({ pid, over }: Child): number | undefined {
  if (pid === undefined || over || process.platform !== 'linux') return undefined
  let sum = 0
  for (const entry of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(entry)) continue
    try {
      // The name of the program stands in parentheses and may hold anything; the process group is the third word after it.
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (Number(fields[2]) === pid) sum += Number(fields[21]) * pageBytes
    } catch {
      // The process ended after it was listed.
    }
  }
  return sum
}
