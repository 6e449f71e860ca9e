import type { Context } from '../../../core/context.ts'
import { digestOfJson } from '../../../core/json/json.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type { Scorer } from '../../registry/spec/spec.ts'
import type { AnswerMarks } from '../answers/answers.ts'
import type { SideAnswers } from '../comparison/comparison.ts'
import type { AnswerToScore } from './answer-to-score.ts'
import { runCommandScorer } from './command.ts'
import { type JudgeReport, openJudge } from './judge.ts'
import { requireField } from './require-field.ts'
import { textComparison } from './text-comparison.ts'

/** A score in 0 … 1 for each answer; null where the scorer gave none. */
type ScoreFunction = (answers: readonly AnswerToScore[]) => Promise<(number | null)[]>

export type AnswerScores = {
  candidate: SideAnswers['scores']
  baseline: SideAnswers['scores']
  judges: JudgeReport[]
  /** What the scores depend on, by scorer. */
  evidence: Record<string, unknown>
}

type Items = { ids: string[]; questions: Row[]; labels: (number | string)[] }
type Answers = { candidate: Value[][]; baseline: Value[][]; marks?: AnswerMarks }

/** Scores every answer of both sides by every scorer of the spec. */
export async function scoreAnswers(
  ctx: Context,
  { scorers, items, answers }: { scorers: readonly Scorer[]; items: Items; answers: Answers },
): Promise<AnswerScores> {
  const scored: AnswerScores = { candidate: {}, baseline: {}, judges: [], evidence: {} }
  for (const scorer of scorers) {
    const { score, report } = await scorerOf(ctx, scorer)
    scored.evidence[scorer.name] = { scorer: digestOfJson(scorer), ...(report ? { judge: report.evidence } : {}) }
    if (report) scored.judges.push(report)
    for (const side of ['candidate', 'baseline'] as const) {
      const repeats: (number | null)[][] = []
      for (const [index, repeat] of answers[side].entries()) {
        const marks = side === 'candidate' ? answers.marks?.candidate[index] : undefined
        repeats.push(await scoreAll(score, items, { answers: repeat, marks }))
      }
      scored[side][scorer.name] = repeats
    }
  }
  return scored
}

type Repeat = { answers: Value[]; marks: AnswerMarks['candidate'][number] | undefined }

/** The scores of one repeat. A candidate without a text, refused or cut off, is wrong; where there is no answer at all, null. */
async function scoreAll(
  score: ScoreFunction,
  { ids, questions, labels }: Items,
  { answers, marks }: Repeat,
): Promise<(number | null)[]> {
  const present = answers.flatMap((answer, index): AnswerToScore[] =>
    answer === null
      ? []
      : [
          {
            id: ids[index] ?? '',
            question: questions[index] ?? {},
            expected: String(labels[index] ?? ''),
            answer: String(answer),
          },
        ],
  )
  const scores = await score(present)
  let position = 0
  const ofNothing = (index: number) => ((marks?.[index] ?? []).length > 0 ? 0 : null)
  return answers.map((answer, index) => (answer === null ? ofNothing(index) : (scores[position++] ?? null)))
}

async function scorerOf(ctx: Context, scorer: Scorer): Promise<{ score: ScoreFunction; report?: JudgeReport }> {
  const { kind, timeout } = scorer
  if (kind === 'exact' || kind === 'contains') return { score: perAnswer(textComparison(scorer)) }
  if (kind === 'regex' || kind === 'json_schema') {
    const { patternMatch, schemaValidation } = await import('./text-rules.ts')
    return { score: perAnswer(kind === 'regex' ? patternMatch(scorer) : schemaValidation(scorer)) }
  }
  if (kind === 'command') {
    const command = requireField(scorer, 'command')
    return { score: (answers) => runCommandScorer(ctx, { name: scorer.name, command, timeout }, answers) }
  }
  return openJudge(ctx, {
    ...scorer,
    provider: requireField(scorer, 'provider'),
    rubric: requireField(scorer, 'rubric'),
  })
}

function perAnswer(right: (answer: AnswerToScore) => boolean): ScoreFunction {
  return async (answers) => answers.map((one) => Number(right(one)))
}
