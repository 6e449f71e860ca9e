import { Ajv } from 'ajv'
import { RE2JS } from 're2js'
import { digestOfJson } from '../../../core/canonical.ts'
import type { Context } from '../../../core/context.ts'
import { AppError, invalidInput } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type { Scorer } from '../../registry/spec/spec.ts'
import type { SideAnswers } from '../comparison/comparison.ts'
import { runCommandScorer } from './command.ts'
import { type JudgeReport, judgeOf } from './judge.ts'
import type { Given } from './scored-answer.ts'

/** A score in 0 … 1 for each answer; null where the scorer gave none. */
type Score = (given: readonly Given[]) => Promise<(number | null)[]>

export type Scored = {
  candidate: SideAnswers['scores']
  baseline: SideAnswers['scores']
  judges: JudgeReport[]
  /** What the scores depend on, by scorer. */
  evidence: Record<string, unknown>
}

type Items = { ids: string[]; questions: Row[]; labels: (number | string)[] }
type Answers = { candidate: Value[][]; baseline: Value[][] }

/** Scores every answer of both sides by every scorer of the spec. */
export async function scoreAnswers(
  ctx: Context,
  { scorers, items, answers }: { scorers: readonly Scorer[]; items: Items; answers: Answers },
): Promise<Scored> {
  const scored: Scored = { candidate: {}, baseline: {}, judges: [], evidence: {} }
  for (const scorer of scorers) {
    const { score, report } = await scorerOf(ctx, scorer)
    scored.evidence[scorer.name] = { scorer: digestOfJson(scorer), ...(report ? { judge: report.evidence } : {}) }
    if (report) scored.judges.push(report)
    for (const side of ['candidate', 'baseline'] as const) {
      const asked: (number | null)[][] = []
      for (const repeat of answers[side]) asked.push(await scoreAll(score, items, repeat))
      scored[side][scorer.name] = asked
    }
  }
  return scored
}

/** What was not answered has no score. */
async function scoreAll(score: Score, { ids, questions, labels }: Items, answers: Value[]): Promise<(number | null)[]> {
  const given = answers.flatMap((answer, index): Given[] =>
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
  const scores = await score(given)
  let position = 0
  return answers.map((answer) => (answer === null ? null : (scores[position++] ?? null)))
}

async function scorerOf(ctx: Context, scorer: Scorer): Promise<{ score: Score; report?: JudgeReport }> {
  const { kind, timeout } = scorer
  if (kind === 'exact' || kind === 'contains') return { score: each(comparing(scorer)) }
  if (kind === 'regex') return { score: each(matching(scorer)) }
  if (kind === 'json_schema') return { score: each(validating(scorer)) }
  if (kind === 'command') {
    const command = required(scorer, 'command')
    return { score: (given) => runCommandScorer(ctx, { name: scorer.name, command, timeout }, given) }
  }
  return judgeOf(ctx, {
    ...scorer,
    provider: required(scorer, 'provider'),
    rubric: required(scorer, 'rubric'),
  })
}

function required<Key extends keyof Scorer>(scorer: Scorer, key: Key): NonNullable<Scorer[Key]> {
  const value = scorer[key]
  if (value !== undefined) return value
  throw invalidInput(`The scorer "${scorer.name}" of the kind ${scorer.kind} needs "${key}".`, { name: scorer.name })
}

function each(right: (given: Given) => boolean): Score {
  return async (given) => given.map((one) => Number(right(one)))
}

/** Equal, or contained, after trimming. */
function comparing({ kind, ignore_case: ignoreCase = false }: Scorer): (given: Given) => boolean {
  const plain = (text: string) => (ignoreCase ? text.trim().toLowerCase() : text.trim())
  return ({ expected, answer }) =>
    kind === 'exact' ? plain(answer) === plain(expected) : plain(answer).includes(plain(expected))
}

/** RE2: no pattern, however written, takes longer than the length of the answer allows. */
function compiled(pattern: string, name: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (cause) {
    throw invalidInput(`The pattern of "${name}" is not valid: ${pattern.slice(0, 80)}`, {
      name,
      hint: 'Patterns follow RE2: no look-around and no back-references.',
      cause,
    })
  }
}

function matching({ name, pattern }: Scorer): (given: Given) => boolean {
  const fixed = pattern === undefined ? undefined : compiled(pattern, name)
  return ({ expected, answer }) => (fixed ?? compiled(expected, name)).matcher(answer).find()
}

function validating(scorer: Scorer): (given: Given) => boolean {
  const { name } = scorer
  const schema = required(scorer, 'schema')
  const regExp = Object.assign(
    (pattern: string) => {
      const re2 = compiled(pattern, name)
      return { test: (text: string) => re2.matcher(text).find() }
    },
    { code: 'RE2JS' },
  )
  let validate: (value: unknown) => unknown
  try {
    validate = new Ajv({ strict: false, code: { regExp: regExp as never } }).compile(schema)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    throw invalidInput(`The schema of "${name}" is not valid: ${message}`, { name, cause })
  }
  return ({ answer }) => {
    let value: unknown
    try {
      value = JSON.parse(answer)
    } catch {
      // An answer that is no JSON is a wrong answer, which is what is asked here.
      return false
    }
    return validate(value) === true
  }
}
