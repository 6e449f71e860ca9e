import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { AppError } from '../../../core/errors.ts'
import { cappedText, environmentOf, runCommand } from '../../../core/process/process.ts'
import type { AnswerToScore } from './answer-to-score.ts'

type CommandScorer = { name: string; command: string[]; timeout: string | undefined }

const defaultTimeout = '60s'
const maxOutput = 16 * 1024 * 1024

/**
 * Runs the command once, gives it a line of JSON for each answer and reads `{"id", "score"}` lines back, in any order. Other
 * lines are ignored; an answer with no valid score, or with more than one, has none.
 */
export async function runCommandScorer(
  ctx: Context,
  scorer: CommandScorer,
  answers: readonly AnswerToScore[],
): Promise<(number | null)[]> {
  if (answers.length === 0) return []
  const input = answers.map((one, index) => `${JSON.stringify({ ...one, id: String(index), item: one.id })}\n`).join('')
  return readScores(await outputOf(ctx, scorer, input), answers.length)
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
    // Not a score: commands may print anything besides. Missing scores are noticed by their id.
    return {}
  }
}

async function outputOf(ctx: Context, { name, command, timeout = defaultTimeout }: CommandScorer, input: string) {
  const { code, stopped, output } = await runCommand({
    name,
    command,
    cwd: ctx.root,
    environment: { ...environmentOf(), KEEL_SCORER: name },
    input,
    timeout: milliseconds(timeout),
    output: cappedText(maxOutput),
  })
  const failed = (why: string) => new AppError('upstream_failed', `The scorer "${name}" ${why}.`, { name })
  if (stopped === 'timeout') throw failed(`took longer than ${timeout}`)
  if (stopped === 'output') throw failed(`wrote more than ${maxOutput} bytes`)
  if (code === 126 || code === 127) throw failed(`could not be started (exit code ${code})`)
  if (code !== 0) throw failed(`ended with exit code ${code}`)
  return output
}
