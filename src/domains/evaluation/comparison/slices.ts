import type { Estimate } from '../../../core/contract.ts'
import { holm } from '../../../core/stats/multiple-testing.ts'
import { type IntervalEstimate, judgeSlice } from '../rules.ts'
import { whyUndefined } from './defined.ts'
import { type PairedSamples, pairedDifference } from './intervals.ts'
import { groupsOf, type Metric, metricOf, pick, unitsOf } from './units.ts'

type Slices = readonly { slice: string; values: string[] }[]

export type SliceOutcome = {
  slice: string
  value: string
  n: number
  candidate: number | null
  baseline: number | null
  difference: Estimate
  verdict: 'pass' | 'fail' | 'cannot_tell' | 'not_tested'
  /** Why it was not tested, where that is not the number of its items. */
  because: string | null
  /** Worse when judged on its own, but not after correcting for the number of slices. */
  worse: boolean
}

const minSlice = 30

/** Compares every value of every slice on its own; the p-values of harm are corrected for their number (Holm). */
export function compareSlices(
  metric: Metric,
  all: PairedSamples,
  { slices, sliceMargin, seed }: { slices: Slices; sliceMargin: number; seed: number },
): SliceOutcome[] {
  const found = slices.flatMap(({ slice, values }) =>
    groupsOf(values).map(([value, members]) => {
      const part = itemsOf(all, members)
      const n = unitsOf(metric, part)
      const because = n < minSlice ? undefined : whyUndefined(metric, part)
      const testable = n >= minSlice && because === undefined
      return {
        slice,
        value,
        part,
        n,
        because: because ?? null,
        paired: testable ? pairedDifference(metric, part, sliceMargin, seed) : undefined,
      }
    }),
  )
  const harms = found.flatMap(({ paired }) => (paired?.harm == null ? [] : [paired.harm]))
  const adjusted = holm(harms)
  let tested = 0
  return found.map(({ slice, value, part, n, paired, because }) => {
    const harm = paired?.harm ?? null
    const adjustedHarm = harm === null ? null : (adjusted[tested++] ?? null)
    const { candidate, baseline, ...shared } = part
    return {
      slice,
      value,
      n,
      because,
      candidate: finite(metricOf(metric, { ...shared, outputs: candidate })),
      baseline: finite(metricOf(metric, { ...shared, outputs: baseline })),
      difference: estimateOf(paired ?? { value: null, lower: null, upper: null }, n),
      // Where the method cannot tell because there are too few differences, its bound proves nothing either.
      ...judgeSlice({ lower: paired?.verdict === 'pass' ? paired.lower : null, harm, adjustedHarm }, sliceMargin),
    }
  })
}

export function untestedSlices(slices: Slices): SliceOutcome[] {
  return slices.flatMap(({ slice, values }) =>
    groupsOf(values).map(([value, members]) => ({
      slice,
      value,
      n: members.length,
      candidate: null,
      baseline: null,
      difference: estimateOf({ value: null, lower: null, upper: null }, members.length),
      verdict: 'not_tested' as const,
      because: null,
      worse: false,
    })),
  )
}

/** A comparison reduced to the given items. */
export function itemsOf(
  { labels, candidate, baseline, lists, clusters }: PairedSamples,
  members: number[],
): PairedSamples {
  const texts = (values: readonly string[]) => members.map((member) => values[member] ?? '')
  return {
    labels: pick(labels, members),
    candidate: candidate.map((output) => pick(output, members)),
    baseline: baseline.map((output) => pick(output, members)),
    lists: lists && texts(lists),
    clusters: clusters && texts(clusters),
  }
}

function estimateOf({ value, lower, upper }: IntervalEstimate, n: number): Estimate {
  return { value: finite(value), n, lower: finite(lower), upper: finite(upper) }
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null
}
