import { spawn } from 'node:child_process'
import { readEnvironment } from '../../../core/config.ts'
import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { AppError } from '../../../core/errors.ts'
import type { Given } from './scored-answer.ts'

type CommandScorer = { name: string; command: string[]; timeout: string | undefined }

const defaultTimeout = '60s'
const maxOutput = 16 * 1024 * 1024

/**
 * Runs the command once, gives it a line of JSON for each answer and reads `{"id", "score"}` lines back, in any order. Lines
 * that say anything else, twice the same, or of unknown ids are worth nothing: an answer without exactly one score has none.
 */
export async function runCommandScorer(
  ctx: Context,
  scorer: CommandScorer,
  given: readonly Given[],
): Promise<(number | null)[]> {
  if (given.length === 0) return []
  const input = given.map((one, index) => `${JSON.stringify({ ...one, id: String(index), item: one.id })}\n`).join('')
  return readScores(await outputOf(ctx, scorer, input), given.length)
}

/** The score of each position; null unless exactly one line gives it one in 0 … 1. */
export function readScores(output: string, n: number): (number | null)[] {
  const found = new Map<string, number | null>()
  for (const line of output.split('\n')) {
    const { id, score } = fieldsOf(line)
    if (typeof id !== 'string') continue
    const valid = typeof score === 'number' && score >= 0 && score <= 1 && !found.has(id)
    found.set(id, valid ? score : null)
  }
  return Array.from({ length: n }, (_, index) => found.get(String(index)) ?? null)
}

function fieldsOf(line: string): { id?: unknown; score?: unknown } {
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    // Commands print whatever they like beside their scores; what is missing is noticed by id.
    return {}
  }
}

/** In a process group of its own, so that whatever it started ends with it. */
function outputOf(ctx: Context, { name, command, timeout = defaultTimeout }: CommandScorer, input: string) {
  const [program = '', ...parameters] = command
  const { PATH = '', HOME = '' } = readEnvironment()
  return new Promise<string>((resolve, reject) => {
    const child = spawn(program, parameters, {
      cwd: ctx.root,
      env: { PATH, HOME, KEEL_SCORER: name },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const chunks: Buffer[] = []
    let size = 0
    const end = (why: string, cause?: unknown) => {
      clearTimeout(timer)
      endGroup(child.pid)
      reject(new AppError('upstream_failed', `The scorer "${name}" ${why}.`, { name, cause }))
    }
    const timer = setTimeout(() => end(`took longer than ${timeout}`), milliseconds(timeout))
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxOutput) end(`wrote more than ${maxOutput} bytes`)
      else chunks.push(chunk)
    })
    child.once('error', (cause) => end(`could not be started: ${cause.message}`, cause))
    child.once('close', (code) => {
      if (code !== 0) return end(`ended with exit code ${code}`)
      clearTimeout(timer)
      endGroup(child.pid)
      resolve(Buffer.concat(chunks).toString('utf8'))
    })
    // A command that does not read its input closes the pipe; what counts is what it answers.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
