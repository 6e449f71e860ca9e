import type { Scorer } from '../../registry/spec/spec.ts'
import type { AnswerToScore } from './answer-to-score.ts'

/** Equal, or contained, after trimming. */
export function textComparison({ kind, ignore_case: ignoreCase = false }: Scorer): (answer: AnswerToScore) => boolean {
  const plain = (text: string) => (ignoreCase ? text.trim().toLowerCase() : text.trim())
  return ({ expected, answer }) =>
    kind === 'exact' ? plain(answer) === plain(expected) : plain(answer).includes(plain(expected))
}
