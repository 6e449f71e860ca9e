import type { Value } from '../../../core/onnx/onnx.ts'
import type { MetricBasis, Task } from './tasks.ts'

/** The answers of one side by repeat, and for answers of text their scores by scorer. */
export type SideAnswers = { answers: Value[][]; scores: Record<string, (number | null)[][]> }

/** By the column that a metric reads, the numbers of each repeat; NaN for an answer that cannot be used. */
export type Columns = Record<string, number[][]>

type LabelledSides = { labels: readonly (number | string)[]; candidate: SideAnswers; baseline: SideAnswers }

type EncodedSides = { labels: number[]; candidate: Columns; baseline: Columns }

/** Labels and answers as numbers, the same number for the same class. */
export function encode({ labels, candidate, baseline }: LabelledSides, { task, scorers }: MetricBasis): EncodedSides {
  if (task === 'text') {
    const free = new Set(scorers.filter(({ kind }) => kind === 'column').map(({ name }) => name))
    return { labels: labels.map(() => 1), candidate: scoresOf(candidate, free), baseline: scoresOf(baseline, free) }
  }
  if (task === 'multiclass') return encodeClasses(labels.map(String), candidate, baseline)
  const numbers = ({ answers }: SideAnswers): Columns => ({
    answer: answers.map((repeat) => repeat.map((answer) => usableNumber(answer, task) ?? Number.NaN)),
  })
  return { labels: labels.map(Number), candidate: numbers(candidate), baseline: numbers(baseline) }
}

/** The answer as a number, when it is one the task allows: a probability, or any finite number. */
export function usableNumber(answer: Value | undefined, task: Task): number | undefined {
  if (typeof answer !== 'number' || !Number.isFinite(answer)) return undefined
  return task === 'binary' && (answer < 0 || answer > 1) ? undefined : answer
}

/** Scores by scorer; those in `free` may be any number, the others lie between 0 and 1. */
function scoresOf({ scores }: SideAnswers, free: ReadonlySet<string>): Columns {
  const usableScore = (name: string) => (score: number | null) =>
    score !== null && (free.has(name) ? Number.isFinite(score) : score >= 0 && score <= 1) ? score : Number.NaN
  return Object.fromEntries(
    Object.entries(scores).map(([name, repeats]) => [name, repeats.map((repeat) => repeat.map(usableScore(name)))]),
  )
}

type PredictedClass = { name: string; chances: Map<string, number> | undefined } | undefined

function encodeClasses(labels: string[], candidate: SideAnswers, baseline: SideAnswers): EncodedSides {
  const known = new Map<string, number>()
  for (const label of [...new Set(labels)].sort()) known.set(label, known.size)
  const numberOf = (name: string) => {
    const found = known.get(name) ?? known.size
    known.set(name, found)
    return found
  }
  const columns = ({ answers }: SideAnswers): Columns => {
    const predicted = answers.map((repeat) => repeat.map(classOf))
    return {
      answer: predicted.map((repeat) => repeat.map((answer) => (answer ? numberOf(answer.name) : Number.NaN))),
      probability: predicted.map((repeat) =>
        repeat.map((answer, index) => (answer?.chances ? (answer.chances.get(labels[index] ?? '') ?? 0) : Number.NaN)),
      ),
    }
  }
  return { labels: labels.map(numberOf), candidate: columns(candidate), baseline: columns(baseline) }
}

/** A class by its name, or as the likeliest of `{"class": probability, …}`. */
export function classOf(answer: Value): PredictedClass {
  if (answer === null || answer === '' || Number.isNaN(answer)) return undefined
  const text = String(answer)
  if (!text.startsWith('{')) return { name: text, chances: undefined }
  const chances = probabilitiesOf(text)
  const likeliest = chances && [...chances].sort(([a, p], [b, q]) => q - p || (a < b ? -1 : 1))[0]
  return likeliest && { name: likeliest[0], chances }
}

function probabilitiesOf(text: string): Map<string, number> | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // Not JSON, so not probabilities: the item counts as not answered.
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const entries: [string, number][] = Object.entries(parsed)
  const valid = entries.every(([, chance]) => typeof chance === 'number' && chance >= 0 && chance <= 1)
  const total = entries.reduce((sum, [, chance]) => sum + chance, 0)
  return valid && Math.abs(total - 1) < 0.01 ? new Map(entries) : undefined
}
