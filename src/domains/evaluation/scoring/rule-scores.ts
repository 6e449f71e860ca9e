import type { Value } from '../../../core/onnx/onnx.ts'
import type { Scorer } from '../../registry/spec/spec.ts'
import type { AnswerToScore } from './answer-to-score.ts'
import { textComparison } from './text-comparison.ts'

type Rule = { name: string; needsText: boolean; right: (answer: AnswerToScore) => boolean }

/**
 * Scores of one answer by the scorers that are rules; commands and judges cost time and money, so that gates alone ask them.
 * Null where there is no text, or no expected one to hold it against.
 */
export async function ruleScores(
  scorers: readonly Scorer[],
): Promise<(answer: Value, label: unknown) => Record<string, number | null>> {
  const rules: Rule[] = []
  for (const scorer of scorers) rules.push(...(await ruleOf(scorer)))
  return (answer, label) =>
    Object.fromEntries(
      rules.map(({ name, needsText, right }) => {
        const fits = typeof answer === 'string' && (!needsText || typeof label === 'string')
        const expected = typeof label === 'string' ? label : ''
        return [name, fits ? Number(right({ id: '', question: {}, expected, answer })) : null]
      }),
    )
}

async function ruleOf(scorer: Scorer): Promise<Rule[]> {
  const { name, kind, pattern } = scorer
  if (kind === 'exact' || kind === 'contains') return [{ name, needsText: true, right: textComparison(scorer) }]
  if (kind !== 'regex' && kind !== 'json_schema') return []
  const { patternMatch, schemaValidation } = await import('./text-rules.ts')
  return kind === 'regex'
    ? [{ name, needsText: pattern === undefined, right: patternMatch(scorer) }]
    : [{ name, needsText: false, right: schemaValidation(scorer) }]
}
