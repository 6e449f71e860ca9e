import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { readEnvironment } from '../../../core/config.ts'
import type { Context } from '../../../core/context.ts'

export type Child = {
  pid: number | undefined
  over: boolean
  /** Resolves with the reason once it is over. */
  ended: Promise<string>
  /** The last lines that it wrote. */
  tail(): string
  /** Asks the whole group to end, and makes it after a while. */
  end(): void
}

const keptCharacters = 2_000
const graceMilliseconds = 5_000

/**
 * Runs "$@", and ends the whole process group when its standard input closes: that happens when the server ends, however it
 * ends, so that nothing is left behind. The arguments are never read as shell text.
 */
const guard = `
trap : TERM INT
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ trap '' TERM; read -r _ <&3; kill -TERM 0; sleep 5; kill -KILL 0; } 2>/dev/null &
exec 3<&-
while :; do
  wait "$child"; code=$?
  kill -0 "$child" 2>/dev/null || break
done
exit $code
`

type Start = { name: string; command: string[]; environment: string[] }

/** Nothing of the server's environment reaches it but the path and what the spec lists. */
export function startChild(ctx: Context, { name, command, environment }: Start): Child {
  const all = readEnvironment()
  const env = Object.fromEntries(
    ['PATH', 'HOME', 'LANG', 'TMPDIR', ...environment].flatMap((key) =>
      all[key] === undefined ? [] : [[key, all[key]]],
    ),
  )
  const process = spawn('/bin/sh', ['-c', guard, name, ...command], {
    cwd: ctx.root,
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  const keep = (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-keptCharacters)
  }
  process.stdout.on('data', keep)
  process.stderr.on('data', keep)
  process.stdin.on('error', (error) => ctx.log.debug({ err: error }, 'the input of a process closed'))
  const { promise, resolve } = Promise.withResolvers<string>()
  const child: Child = {
    pid: process.pid,
    over: false,
    ended: promise,
    tail: () => said.trim(),
    end() {
      if (child.over) return
      signal('SIGTERM')
      setTimeout(() => signal('SIGKILL'), graceMilliseconds).unref()
    },
  }
  function signal(kind: 'SIGTERM' | 'SIGKILL'): void {
    if (process.pid === undefined) return
    try {
      globalThis.process.kill(-process.pid, kind)
    } catch (error) {
      // ESRCH: the group is gone already, which is what was wanted.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
  process.once('error', (error) => over(error.message))
  process.once('exit', (code, by) => over(by === null ? `exit code ${code}` : `signal ${by}`))
  function over(why: string): void {
    if (child.over) return
    child.over = true
    signal('SIGKILL')
    resolve(why)
  }
  return child
}

/** Resident bytes of the whole process group, where the system tells (Linux). */
export function memoryOf({ pid, over }: Child): number | undefined {
  if (pid === undefined || over || globalThis.process.platform !== 'linux') return undefined
  let sum = 0
  for (const entry of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(entry)) continue
    try {
      // The name of the program stands in parentheses and may hold anything; the process group is the third word after it.
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (Number(fields[2]) === pid) sum += Number(fields[21]) * pageBytes
    } catch {
      // It ended between the two looks.
    }
  }
  return sum
}

const pageBytes = 4_096
