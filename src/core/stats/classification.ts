import { elementAt } from './element-at.ts'
import { mean, sum } from './summary.ts'

type Classes = ArrayLike<number>

type Tally = { hits: number; guessed: number; actual: number }

/** How often each class occurs, is answered, and both; undefined when a label or an answer is missing. */
function talliesOf(labels: Classes, answers: Classes): Tally[] | undefined {
  if (labels.length !== answers.length || labels.length === 0) return undefined
  const tallies = new Map<number, Tally>()
  const of = (name: number) => {
    const found = tallies.get(name) ?? { hits: 0, guessed: 0, actual: 0 }
    tallies.set(name, found)
    return found
  }
  for (let index = 0; index < labels.length; index++) {
    const [label, answer] = [elementAt(labels, index), elementAt(answers, index)]
    if (Number.isNaN(label) || Number.isNaN(answer)) return undefined
    of(label).actual += 1
    of(answer).guessed += 1
    if (label === answer) of(label).hits += 1
  }
  return [...tallies.values()]
}

function over(labels: Classes, answers: Classes, work: (tallies: Tally[]) => number): number {
  const tallies = talliesOf(labels, answers)
  return tallies ? work(tallies) : Number.NaN
}

function f1Of({ hits, guessed, actual }: Tally): number {
  return (2 * hits) / (guessed + actual)
}

/** Mean over the classes, each counted alike, of the harmonic mean of precision and recall; 0 … 1, higher is better. */
export function f1Macro(labels: Classes, answers: Classes): number {
  return over(labels, answers, (tallies) => mean(tallies.map(f1Of)))
}

/** The same mean, each class counted by how often it occurs; 0 … 1, higher is better. */
export function f1Weighted(labels: Classes, answers: Classes): number {
  return over(labels, answers, (tallies) => sum(tallies.map((tally) => tally.actual * f1Of(tally))) / labels.length)
}

/** F1 over all classes together, which with one answer for each item is the share of right answers. */
export function f1Micro(labels: Classes, answers: Classes): number {
  return over(labels, answers, (tallies) => sum(tallies.map(({ hits }) => hits)) / labels.length)
}

/** Mean over the classes that occur of the share of them that is found; 0 … 1, higher is better. */
export function balancedAccuracy(labels: Classes, answers: Classes): number {
  return over(labels, answers, (tallies) => {
    const occurring = tallies.filter(({ actual }) => actual > 0)
    return mean(occurring.map(({ hits, actual }) => hits / actual))
  })
}

/**
 * Agreement of two raters beyond chance, -1 … 1, 1 is full agreement; NaN when both always give the same one class.
 * Source: J. Cohen, Educational and Psychological Measurement 20 (1960).
 */
export function kappa(first: Classes, second: Classes): number {
  return over(first, second, (tallies) => {
    const n = first.length
    const observed = sum(tallies.map(({ hits }) => hits)) / n
    const expected = sum(tallies.map(({ guessed, actual }) => (guessed / n) * (actual / n)))
    return (observed - expected) / (1 - expected)
  })
}
