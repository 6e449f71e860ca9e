import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { ComparisonRun } from '../evaluate/evaluate.ts'
import type { GateCheck } from '../rules.ts'

/** A class where a probability was expected: it ranks and counts, so that every metric looks plausible. */
export function classAnswerChecks({ serves }: ModelSpec, { pairs, candidate }: ComparisonRun): GateCheck[] {
  const answers = pairs.candidate.answers.flat()
  if (serves.output !== 'binary' || candidate.constant !== null || !registry.areClasses(answers)) return []
  return [
    {
      check: 'probabilities',
      verdict: 'cannot_tell',
      required: false,
      value: answers.length,
      limit: null,
      n: answers.length,
      reason: `each of ${answers.length} answers is 0 or 1 (class_for_probability): a class, where a probability was expected; say which output is the score in the signature`,
    },
  ]
}
