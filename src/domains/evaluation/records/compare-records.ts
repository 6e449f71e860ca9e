import { invalidInput } from '../../../core/errors.ts'
import type { Value } from '../../../core/onnx/onnx.ts'
import { addProblem, noProblems, refuseProblems } from '../../../core/tables/tables.ts'
import * as registry from '../../registry/registry.ts'
import {
  type Comparison,
  type ComparisonSettings,
  compare,
  itemsNeeded,
  type Pairs,
  seed,
  smallestMeanMargin,
} from '../comparison/comparison.ts'
import type { Verdict } from '../contract.ts'
import { formatNumber } from '../rules.ts'
import { answerColumn, cellOf, sharedColumn } from './columns.ts'
import { pairRecords, type RecordPair, type Records } from './pairing.ts'
import { taskOf } from './task.ts'

export type RecordComparisonInput = {
  baseline: Records
  candidate: Records
  /** The most that the candidate may be worse, in units of the metric. */
  margin: number
  /** Compared with the labels; or `score`, a column in which somebody graded the answers. */
  metric?: string | undefined
  score?: string | undefined
  lowerIsBetter?: boolean | undefined
  label?: string | undefined
  /** Which of two classes counts as 1. */
  positive?: string | undefined
  answer?: string | undefined
  id?: string | undefined
  onlyShared?: boolean | undefined
  slices?: readonly string[] | undefined
  /** Items with the same value here are not independent of each other. */
  cluster?: string | undefined
  list?: string | undefined
}

export type RecordComparison = Comparison & {
  verdict: Verdict
  n: number
  /** The column that names the items; null when they were paired in their order. */
  pairedBy: string | null
  /** Items of one file only, which were left out. */
  leftOut: number
  task: string
  notes: string[]
  /** What would prove the margin, where these items cannot tell. */
  needed: string | null
}

/**
 * Compares recorded answers of two models to the same items, as a gate would: paired, with a margin, and "cannot tell" where the
 * items prove neither. Needs no server and no project. Only the metric and proved harm in a slice decide.
 */
export function compareRecords(input: RecordComparisonInput): RecordComparison {
  const { baseline, candidate, margin } = input
  if (!(margin >= 0)) throw invalidInput('The margin must be a number of at least 0.', { name: 'margin' })
  const { pairs, by, alone } = pairRecords(baseline, candidate, { id: input.id, onlyShared: input.onlyShared === true })
  if (pairs.length === 0) throw invalidInput('There is no item in both files.', { name: by ?? 'id' })
  const shared = (column: string) => sharedColumn({ baseline, candidate, pairs }, column)
  const grouped = (column: string | undefined) => (column === undefined ? undefined : shared(column).map(String))
  const { judging, metric, sides, labels, notes } =
    input.score === undefined ? labelled(input, pairs, shared) : scored(input, input.score, pairs)
  const settings: ComparisonSettings = {
    ...judging,
    metric,
    margin,
    sliceMargin: margin,
    limited: [],
    slices: (input.slices ?? []).map((slice) => ({ slice, values: shared(slice).map(String) })),
    seed,
    baselineName: baseline.shown,
    sameVersion: false,
  }
  const comparison = compare(
    {
      ids: pairs.map(({ id }) => id),
      labels,
      ...sides,
      lists: grouped(input.list),
      clusters: grouped(input.cluster),
    },
    settings,
  )
  return {
    ...comparison,
    verdict: comparison.slices.some(({ verdict }) => verdict === 'fail')
      ? worse(verdictOf(comparison))
      : verdictOf(comparison),
    n: pairs.length,
    pairedBy: by,
    leftOut: alone,
    task: judging.task,
    needed: neededItems(comparison, pairs.length),
    notes: [...notes, ...unansweredNote(comparison, baseline.shown)],
  }
}

/** From the scatter of the differences seen here; for equally good models. */
function neededItems({ primary: { verdict, standardError, margin } }: Comparison, n: number): string | null {
  if (verdict !== 'cannot_tell' || standardError === null || standardError === 0) return null
  const { margin: smallest, powered } = smallestMeanMargin({ standardError, measuredOn: n, items: n })
  const proves = `With differences that scatter like these, ${n} items prove a margin of ${formatNumber(smallest)} between equally good models (one of ${formatNumber(powered)} in 80 % of cases)`
  if (margin === 0) return `${proves}; a margin of 0 is proved only for a better one.`
  return `${proves}; ${margin} needs about ${itemsNeeded({ margin, variance: standardError ** 2 * n })}.`
}

/** Where the baseline left items out, the candidate must be no worse on the others, too. */
function verdictOf({ primary, answered }: Comparison): Verdict {
  return primary.verdict === 'pass' && answered ? answered.verdict : primary.verdict
}

const worse = (verdict: Verdict): Verdict => (verdict === 'error' ? 'error' : 'fail')

type MetricBasis = Pick<ComparisonSettings, 'task' | 'scorers'>
type Sides = Pick<Pairs, 'candidate' | 'baseline'>
type Question = { judging: MetricBasis; metric: string; sides: Sides; labels: (number | string)[]; notes: string[] }

function labelled(
  input: RecordComparisonInput,
  pairs: readonly RecordPair[],
  shared: (column: string) => Value[],
): Question {
  const { metric, positive, label = 'label' } = input
  if (metric === undefined)
    throw invalidInput('By which metric are the answers compared?', {
      name: 'metric',
      hint: 'Name it with --metric, or a column of scores with --score. "keel eval metrics" lists them.',
    })
  const column = answerColumn(input.baseline, input.candidate, input.answer)
  const isPositive = (value: Value) => (value === null ? null : Number(String(value) === positive))
  const read = (value: Value) => (positive === undefined || typeof value === 'number' ? value : isPositive(value))
  const labels = labelsOf(input, shared, label).map(
    (value) => (positive === undefined ? value : isPositive(value)) ?? '',
  )
  const [old, current] = (['baseline', 'candidate'] as const).map((side) =>
    pairs.map((pair) => read(cellOf(pair[side], column))),
  )
  const answers = { baseline: old ?? [], candidate: current ?? [] }
  const task = taskOf({
    metric,
    labels,
    answers: [...answers.baseline, ...answers.candidate],
    ranked: input.list !== undefined,
  })
  if (task === 'multiclass') refuseStrangeClasses(labels, answers, column)
  return {
    judging: { task, scorers: [] },
    metric,
    labels,
    sides: {
      baseline: { answers: [answers.baseline], scores: {} },
      candidate: { answers: [answers.candidate], scores: {} },
    },
    notes: task === 'binary' ? classNotes(answers, input) : [],
  }
}

function labelsOf(
  { baseline, candidate }: RecordComparisonInput,
  shared: (column: string) => Value[],
  label: string,
): Value[] {
  if ([baseline, candidate].some(({ columns }) => columns.includes(label))) return shared(label)
  throw invalidInput(`Neither ${baseline.shown} nor ${candidate.shown} has a column "${label}".`, {
    name: 'label',
    hint: 'Name the column of the right answers with --label, or compare a column of scores with --score.',
  })
}

function scored(
  { lowerIsBetter, baseline, candidate }: RecordComparisonInput,
  score: string,
  pairs: readonly RecordPair[],
): Question {
  const read = (side: 'baseline' | 'candidate', shown: string): number[] => {
    const problems = noProblems()
    const values = pairs.map((pair, index) => {
      const value = cellOf(pair[side], score)
      if (typeof value === 'number' && Number.isFinite(value)) return value
      const rule = value === null ? `of "${pair.id}" is missing` : `of "${pair.id}" is not a number`
      addProblem(problems, {
        row: index + 1,
        column: score,
        value,
        rule,
        fix: 'Every item needs a score on both sides.',
      })
      return Number.NaN
    })
    refuseProblems(problems, shown, 'invalid_input')
    return values
  }
  const old = read('baseline', baseline.shown)
  const current = read('candidate', candidate.shown)
  return {
    judging: {
      task: 'text',
      scorers: [{ name: score, kind: 'column', direction: lowerIsBetter ? 'lower' : 'higher' }],
    },
    metric: score,
    labels: pairs.map(() => 1),
    sides: {
      baseline: { answers: [], scores: { [score]: [old] } },
      candidate: { answers: [], scores: { [score]: [current] } },
    },
    notes: [],
  }
}

type Answers = { baseline: Value[]; candidate: Value[] }

/** Classes that no label is of compare as "always wrong", which is almost always another column or another spelling. */
function refuseStrangeClasses(labels: readonly (number | string)[], answers: Answers, column: string): void {
  const known = new Set(labels.map(String))
  for (const [side, values] of Object.entries(answers)) {
    const given = values.filter((value) => value !== null)
    const structured = given.some((value) => String(value).startsWith('{'))
    if (given.length === 0 || structured || given.some((value) => known.has(String(value)))) continue
    throw invalidInput(`No answer of the ${side} is one of the labels.`, {
      name: column,
      hint: `Labels are ${some([...known])}; answers are ${some([...new Set(given.map(String))])}.`,
    })
  }
}

const some = (values: readonly string[]) =>
  `${values
    .slice(0, 3)
    .map((one) => JSON.stringify(one.slice(0, 40)))
    .join(', ')}${values.length > 3 ? ', …' : ''}`

function classNotes(answers: Answers, { baseline, candidate }: RecordComparisonInput): string[] {
  return (['baseline', 'candidate'] as const).flatMap((side) => {
    const given = answers[side].filter((value) => value !== null)
    if (!registry.areClasses(given)) return []
    const { shown } = side === 'baseline' ? baseline : candidate
    return [
      `Each of the ${given.length} answers of ${shown} is 0 or 1: classes, where metrics such as AUC and log loss expect probabilities.`,
    ]
  })
}

function unansweredNote({ unanswered: { count, ids }, answered }: Comparison, shown: string): string[] {
  if (count === 0) return []
  const named = ids.slice(0, 5).join(', ')
  return [
    `${shown} has no usable answer for ${count} items (${named}${count > 5 ? ', …' : ''}); each counts against it.`,
    ...(answered
      ? [
          `On the ${answered.n} items that it answers: ${answered.verdict.replaceAll('_', ' ')}, by ${formatNumber(answered.difference.value)}.`,
        ]
      : []),
  ]
}
