import { oneOf } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import type { ModelSpec } from './spec/spec.ts'

/** What is to be said of an answer, by the same word in replies, the log, gates, windows and docs. */
export const answerMarks = [
  'cut_off',
  'refused',
  'filtered',
  'tool_call',
  'empty',
  'not_a_number',
  'class_for_probability',
  'not_as_declared',
  'stand_in',
] as const

export type AnswerMark = (typeof answerMarks)[number]
export type MarkCounts = Partial<Record<AnswerMark, number>>

/** For contracts. */
export const Mark = oneOf([...answerMarks], {
  description:
    'cut_off: it ends where its tokens ended. refused: the model said that it would not answer. filtered: the provider took it away. tool_call: a call of a tool, where a text was expected. empty: nothing at all. not_a_number: no finite number, where one was expected. class_for_probability: a class, where a probability was expected. not_as_declared: another kind of value than the spec declares. stand_in: another release answered for one that could not',
})
export const Marks = Type.Array(Mark, { description: 'What is to be said of the answer; nothing of an ordinary one' })
export const Counts = Type.Record(Type.String(), Type.Integer(), { description: 'How many answers have each mark' })

export type OutputKind = ModelSpec['serves']['output']

/** Why a value is no answer of its kind; undefined for one that is. */
export function markOfValue(value: unknown, kind: OutputKind | undefined): AnswerMark | undefined {
  if (typeof value === 'string') {
    if (kind === undefined || kind === 'multiclass' || kind === 'text') return undefined
    if (kind === 'ranking' && /^[[{]/.test(value)) return undefined
    return kind === 'binary' ? 'class_for_probability' : 'not_a_number'
  }
  if (typeof value !== 'number') return kind === 'text' || kind === 'multiclass' ? 'empty' : 'not_a_number'
  if (kind === 'text') return 'not_as_declared'
  if (!Number.isFinite(value)) return 'not_a_number'
  if (kind !== 'binary' || (value >= 0 && value <= 1)) return undefined
  return Number.isInteger(value) ? 'class_for_probability' : 'not_as_declared'
}

/** So few answers may be all 0 or 1 by chance. */
export const fewestClasses = 30

/** Whether probabilities that a model gave are all 0 or 1: it answers with classes. */
export function areClasses(answers: readonly unknown[]): boolean {
  return answers.length >= fewestClasses && answers.every(isClass)
}

export function isClass(answer: unknown): boolean {
  return answer === 0 || answer === 1
}

/** `3 cut_off, 1 refused`, the most frequent first; empty where nothing is marked. */
export function markWords(counts: MarkCounts): string {
  return answerMarks
    .flatMap((mark) => ((counts[mark] ?? 0) > 0 ? [{ mark, count: counts[mark] ?? 0 }] : []))
    .toSorted((a, b) => b.count - a.count)
    .map(({ mark, count }) => `${count} ${mark}`)
    .join(', ')
}

export function countMarks(all: Iterable<readonly AnswerMark[]>): MarkCounts {
  const counts: MarkCounts = {}
  for (const marks of all) for (const mark of marks) counts[mark] = (counts[mark] ?? 0) + 1
  return counts
}

const namedPlaces = 100

/**
 * The marks of several answers as a structured field (RFC 8941), for protocols that have no place for them: each mark with how
 * many have it and the first places, from 0; a single answer has its marks alone. Undefined where nothing is marked.
 */
export function marksField(all: readonly (readonly AnswerMark[])[]): string | undefined {
  const places = new Map<AnswerMark, number[]>()
  for (const [place, marks] of all.entries())
    for (const mark of marks) places.set(mark, [...(places.get(mark) ?? []), place])
  if (places.size === 0) return undefined
  if (all.length === 1) return [...places.keys()].join(', ')
  return [...places]
    .map(([mark, found]) => `${mark};n=${found.length};at="${found.slice(0, namedPlaces).join(' ')}"`)
    .join(', ')
}
