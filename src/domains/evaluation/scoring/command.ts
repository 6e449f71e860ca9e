import type { Context } from '../../../core/context.ts'
import { objectsOf, outputOfCommand } from '../command-lines.ts'
import type { AnswerToScore } from './answer-to-score.ts'

type CommandScorer = { name: string; command: string[]; timeout: string | undefined }

/**
 * Runs the command once, gives it a line of JSON for each answer and reads `{"id", "score"}` lines back, in any order. Other
 * lines are ignored; an answer with no valid score, or with more than one, has none.
 */
export async function runCommandScorer(
  ctx: Context,
  { name, command, timeout }: CommandScorer,
  answers: readonly AnswerToScore[],
): Promise<(number | null)[]> {
  if (answers.length === 0) return []
  const input = answers.map((one, index) => `${JSON.stringify({ ...one, id: String(index), item: one.id })}\n`).join('')
  const what = `The scorer "${name}"`
  const output = await outputOfCommand(ctx, { what, name, command, timeout, environment: { KEEL_SCORER: name } }, input)
  return readScores(output, answers.length)
}

/** The score of each position; null unless exactly one line gives it one in 0 … 1. */
export function readScores(output: string, n: number): (number | null)[] {
  const found = new Map<string, number | null>()
  for (const { id, score } of objectsOf(output)) {
    if (typeof id !== 'string') continue
    const valid = typeof score === 'number' && score >= 0 && score <= 1 && !found.has(id)
    found.set(id, valid ? score : null)
  }
  return Array.from({ length: n }, (_, index) => found.get(String(index)) ?? null)
}
