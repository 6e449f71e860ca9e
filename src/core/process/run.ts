import { type Group, startGroup } from './group.ts'
import type { Output } from './output.ts'

type Run = {
  /** What it is called in its own messages. */
  name: string
  command: string[]
  cwd: string
  environment: Record<string, string>
  input?: string | undefined
  timeout?: number | undefined
  signal?: AbortSignal | undefined
  graceMilliseconds?: number | undefined
  output: Output
}

/** `code` 127: there is no such command; 126: it may not be run; above 128: it ended by a signal. */
export type CommandResult = {
  code: number | null
  stopped: 'timeout' | 'cancelled' | 'output' | undefined
  output: string
}

/** Runs a command to its end in a process group of its own. Who is stopped is asked to end first, and made to after a while. */
export async function runCommand({
  timeout,
  signal,
  input,
  output,
  graceMilliseconds,
  ...start
}: Run): Promise<CommandResult> {
  const group = startGroup({ ...start, input: input !== undefined })
  let stopped: CommandResult['stopped']
  let kept = ''
  const stop = (because: NonNullable<CommandResult['stopped']>) => {
    if (stopped) return
    stopped = because
    group.end(graceMilliseconds)
  }
  const cancel = () => stop('cancelled')
  signal?.addEventListener('abort', cancel, { once: true })
  if (signal?.aborted) cancel()
  const timer = timeout === undefined ? undefined : setTimeout(() => stop('timeout'), timeout)
  for (const [index, stream] of group.outputs.entries())
    stream.on('data', (chunk: Buffer) => {
      if (!output.take(chunk, index === 0 ? 'stdout' : 'stderr')) stop('output')
    })
  group.input?.end(input)
  const code = await codeOf(group).finally(async () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancel)
    group.kill()
    kept = await output.end()
  })
  return { code, stopped, output: kept }
}

/** It is over when nobody writes to its output any more: what it left running in the background counts as its work. */
function codeOf({ process }: Group): Promise<number | null> {
  return new Promise((resolve, reject) => {
    process.once('error', reject)
    process.once('close', resolve)
  })
}
