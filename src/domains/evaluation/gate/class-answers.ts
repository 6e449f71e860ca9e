import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { ComparisonRun } from '../evaluate/evaluate.ts'
import type { GateCheck } from '../rules.ts'

/** So few answers may be all 0 or 1 by chance. */
const fewest = 30

/** A class where a probability was expected: it ranks and counts, so that every metric looks plausible. */
export function classAnswerChecks({ serves }: ModelSpec, { pairs, candidate }: ComparisonRun): GateCheck[] {
  const answers = pairs.candidate.answers.flat()
  const allClasses = answers.length >= fewest && answers.every((answer) => answer === 0 || answer === 1)
  if (serves.output !== 'binary' || candidate.constant !== null || !allClasses) return []
  return [
    {
      check: 'probabilities',
      verdict: 'cannot_tell',
      required: false,
      value: answers.length,
      limit: null,
      n: answers.length,
      reason: `each of ${answers.length} answers is 0 or 1: a class, where a probability was expected; say which output is the score in the signature`,
    },
  ]
}
