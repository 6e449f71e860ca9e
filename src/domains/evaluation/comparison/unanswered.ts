import type { Columns } from './encoding.ts'
import type { Task } from './tasks.ts'

/** Items that a side has no usable answer for, in their order. */
export function unansweredItems(outputs: readonly number[][], n: number): number[] {
  if (outputs.length === 0) return Array.from({ length: n }, (_, index) => index)
  return Array.from({ length: n }, (_, index) => index).filter((index) =>
    outputs.some((output) => output.length !== n || Number.isNaN(output[index])),
  )
}

type Sides = { task: Task; labels: readonly number[]; candidate: Columns; baseline: Columns }

/**
 * The baseline's columns with its missing answers counted against it: each is as wrong as the most wrong answer that either
 * side gave (for text and classes: simply wrong). So a live version that fails cannot keep its own mend from being released, and
 * one missing answer does not weigh more than an answer could.
 */
export function countedAgainst({ task, labels, candidate, baseline }: Sides): Columns {
  return Object.fromEntries(
    Object.entries(baseline).map(([column, repeats]) => {
      const known = [...(candidate[column] ?? []), ...repeats]
      const wrong = worstAnswer(task, column, labels, known)
      return [column, repeats.map((output) => labels.map((label, index) => usable(output[index]) ?? wrong(label)))]
    }),
  )
}

const usable = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? undefined : value)

function worstAnswer(
  task: Task,
  column: string,
  labels: readonly number[],
  known: readonly number[][],
): (label: number) => number {
  const all = known.flat().filter((value) => !Number.isNaN(value))
  const [low, high] = [all.reduce((a, b) => Math.min(a, b), 0), all.reduce((a, b) => Math.max(a, b), 0)]
  if (task === 'text') return () => 0
  if (task === 'multiclass') return column === 'probability' ? () => low : () => -1
  if (task === 'regression') {
    const errors = known.flatMap((output) => output.map((value, index) => Math.abs(value - (labels[index] ?? 0))))
    const largest = errors.filter((error) => !Number.isNaN(error)).reduce((a, b) => Math.max(a, b), 0)
    return (label) => label + largest
  }
  return (label) => (label > 0 ? low : Math.max(high, task === 'binary' ? 0 : low))
}
