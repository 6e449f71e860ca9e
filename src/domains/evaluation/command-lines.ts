import type { Context } from '../../core/context.ts'
import { milliseconds } from '../../core/duration.ts'
import { AppError } from '../../core/errors.ts'
import { cappedText, environmentOf, runCommand } from '../../core/process/process.ts'

type LineCommand = {
  /** What it is called in messages, such as `The scorer "own"`. */
  what: string
  name: string
  command: string[]
  timeout: string | undefined
  environment: Record<string, string>
}

const defaultTimeout = '60s'
const maxOutput = 16 * 1024 * 1024

/** Runs a command once, without a shell, with all lines as its input; what it wrote when it ended well. */
export async function outputOfCommand(ctx: Context, given: LineCommand, input: string): Promise<string> {
  const { what, name, command, timeout = defaultTimeout, environment } = given
  const { code, stopped, output } = await runCommand({
    name,
    command,
    cwd: ctx.root,
    environment: { ...environmentOf(), ...environment },
    input,
    timeout: milliseconds(timeout),
    output: cappedText(maxOutput),
  })
  const failed = (why: string) => new AppError('upstream_failed', `${what} ${why}.`, { name })
  if (stopped === 'timeout') throw failed(`took longer than ${timeout}`)
  if (stopped === 'output') throw failed(`wrote more than ${maxOutput} bytes`)
  if (code === 126 || code === 127) throw failed(`could not be started (exit code ${code})`)
  if (code !== 0) throw failed(`ended with exit code ${code}`)
  return output
}

/** The object of each line that is one. Commands may print anything besides: what is missing is noticed by its id. */
export function objectsOf(output: string): Record<string, unknown>[] {
  return output.split('\n').flatMap((line) => {
    try {
      const parsed: unknown = JSON.parse(line)
      return typeof parsed === 'object' && parsed !== null ? [parsed as Record<string, unknown>] : []
    } catch {
      return []
    }
  })
}
