import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { hasCode } from '../errors.ts'

/**
 * Runs "$@" with what comes in as 3, and ends the whole process group when its standard input closes: that happens when the
 * server ends, however it ends, so that nothing is left behind. The arguments are never read as shell text.
 */
const guard = (input: boolean) => `
trap asked=1 TERM INT
exec 4<&0
"$@" ${input ? '<&3 3<&-' : '</dev/null'} 4<&- &
child=$!
[ -z "$asked" ] || kill -TERM "$child"
{ trap '' TERM; read -r _ <&4; kill -TERM 0; sleep 5; kill -KILL 0; } 3<&- >/dev/null 2>&1 &
exec 3<&- 4<&-
while :; do
  wait "$child"; code=$?
  kill -0 "$child" 2>/dev/null || break
done
exit $code
`

export type Group = {
  process: ChildProcess
  /** What it writes. */
  outputs: readonly Readable[]
  /** What it reads; nothing where there is no input. */
  input: Writable | undefined
  /** Asks all of it to end, and makes it after a while. */
  end(graceMilliseconds?: number): void
  /** Ends what is left of it. */
  kill(): void
}

type Start = { name: string; command: string[]; cwd: string; environment: Record<string, string>; input?: boolean }

const defaultGrace = 5_000

/** Starts a command in a process group of its own, so that what it starts ends with it, and all of it with the server. */
export function startGroup({ name, command, cwd, environment, input = false }: Start): Group {
  const child = spawn('/bin/sh', ['-c', guard(input), name, ...command], {
    cwd,
    env: environment,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', input ? 'pipe' : 'ignore'],
  })
  const outputs = [child.stdout, child.stderr].filter((stream) => stream !== null)
  const given = child.stdio[3]
  // Who does not read what it is given, or is over, closes these: that says nothing about how it went.
  for (const stream of [child.stdin, given]) stream?.on('error', () => undefined)
  let killer: NodeJS.Timeout | undefined
  const kill = () => {
    clearTimeout(killer)
    signalGroup(child.pid, 'SIGKILL')
  }
  return {
    process: child,
    outputs,
    input: given && 'write' in given ? given : undefined,
    end(grace = defaultGrace) {
      signalGroup(child.pid, 'SIGTERM')
      killer ??= setTimeout(() => {
        kill()
        // A process that left the group may still hold them.
        for (const stream of outputs) stream.destroy()
      }, grace).unref()
    },
    kill,
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // It is gone already, which is what was wanted.
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
