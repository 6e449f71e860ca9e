import type { Estimate } from '../../../core/contract.ts'
import { normalQuantile } from '../../../core/stats/distributions.ts'
import { hashUnit } from '../../../core/stats/random.ts'
import type { Definition, Item } from '../golden/golden.ts'
import type { IntervalEstimate } from '../rules.ts'
import { textOf } from '../text-of.ts'
import { type PairedSamples, pairedDifference } from './intervals.ts'
import { itemsOf } from './slices.ts'
import { type Metric, unitsOf } from './units.ts'

/**
 * Which items nobody may see one by one: a share drawn by hash, anew for every version of the set, so that people cannot tune
 * to all of it. Items of one list or cluster are hidden together. Undefined when nothing is hidden.
 */
export function hiddenItems(definition: Definition, version: number, items: readonly Item[]): boolean[] | undefined {
  const { golden, hidden = 0, list, cluster, id } = definition
  if (hidden === 0) return undefined
  const together = cluster ?? list ?? id
  return items.map((item) => hashUnit(`hidden/${golden}/${version}/${textOf(item[together])}`) < hidden)
}

/** The paired difference on hidden items, and how much better the seen ones look. */
export type HiddenOutcome = { n: number; difference: Estimate; gap: Estimate; overfitted: boolean }

const minHidden = 10

export function compareHidden(
  metric: Metric,
  all: PairedSamples,
  hidden: readonly boolean[],
  { margin, seed }: { margin: number; seed: number },
): HiddenOutcome {
  const indexes = (wanted: boolean) => hidden.flatMap((isHidden, index) => (isHidden === wanted ? [index] : []))
  const [unseen, seen] = [itemsOf(all, indexes(true)), itemsOf(all, indexes(false))]
  const n = unitsOf(metric, unseen)
  const nothing = { value: null, n, lower: null, upper: null }
  if (n < minHidden || unitsOf(metric, seen) < minHidden) {
    return { n, difference: nothing, gap: nothing, overfitted: false }
  }
  const [apart, visible] = [
    pairedDifference(metric, unseen, margin, seed),
    pairedDifference(metric, seen, margin, seed),
  ]
  const error = Math.hypot(apart.standardError ?? Number.NaN, visible.standardError ?? Number.NaN)
  const value = (visible.value ?? Number.NaN) - (apart.value ?? Number.NaN)
  const half = normalQuantile(0.95) * error
  return {
    n,
    difference: estimate(apart, n),
    gap: estimate({ value, lower: value - half, upper: value + half }, n),
    overfitted: value - half > 0,
  }
}

function estimate({ value, lower, upper }: IntervalEstimate, n: number): Estimate {
  const finite = (number: number | null) => (number !== null && Number.isFinite(number) ? number : null)
  return { value: finite(value), n, lower: finite(lower), upper: finite(upper) }
}
