import { CommanderError } from 'commander'
import { ProblemError } from '../../client/client.ts'
import { catalogue } from '../../core/error-catalogue.ts'
import { type ErrorCode, toAppError } from '../../core/errors.ts'
import { colours, type Io } from './io.ts'

/** Tells what happened, why, and the command that fixes it. With --json the error is JSON too, on stdout. */
export function report(thrown: unknown, io: Io, json: boolean, debug: boolean): number {
  const { code, message, hint, name, exitCode } = describe(thrown)
  if (json) {
    io.stdout.write(
      `${JSON.stringify({ error: { code, message, ...(hint ? { hint } : {}), ...(name ? { name } : {}) } })}\n`,
    )
    return exitCode
  }
  const colour = colours(io, io.stderr)
  io.stderr.write(`${colour('red', 'Error:')} ${message}\n`)
  if (debug && thrown instanceof Error) io.stderr.write(`${thrown.stack ?? ''}\n`)
  if (hint) io.stderr.write(`${colour('dim', 'Hint:')} ${hint}\n`)
  return exitCode
}

type Description = {
  code: string
  message: string
  hint?: string | undefined
  name?: string | undefined
  exitCode: number
}

function describe(thrown: unknown): Description {
  if (thrown instanceof ProblemError) {
    const { code, detail, hint, name, requestId } = thrown.problem
    const known = code in catalogue ? catalogue[code as ErrorCode] : undefined
    const message = code === 'internal' && requestId ? `${detail} (${requestId})` : detail
    return { code, message, hint, name, exitCode: known?.exit ?? 1 }
  }
  if (thrown instanceof CommanderError) {
    return {
      code: 'usage',
      message: thrown.message.replace(/^error: /, ''),
      hint: 'See "keel <command> --help".',
      exitCode: 2,
    }
  }
  if (thrown instanceof TypeError && thrown.message === 'fetch failed') {
    return {
      code: 'unreachable',
      message: 'The server stopped answering.',
      hint: 'Start it again with "keel up".',
      exitCode: 6,
    }
  }
  const error = toAppError(thrown)
  return { code: error.code, message: error.message, hint: error.hint, name: error.offender, exitCode: error.exitCode }
}
