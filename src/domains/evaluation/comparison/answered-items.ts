import type { Estimate } from '../../../core/contract.ts'
import type { Verdict } from '../contract.ts'
import { whyUndefined } from './defined.ts'
import { alike, type PairedSamples, pairedDifference } from './intervals.ts'
import { itemsOf } from './slices.ts'
import { type Metric, unitsOf } from './units.ts'

/** The comparison on the items alone that both sides answered. */
export type AnsweredOutcome = { n: number; difference: Estimate; verdict: Verdict; note: string }

/**
 * Where the baseline did not answer, it counts as wrong; that alone must not let a worse candidate pass. So the candidate has to
 * be no worse on the items that the baseline answered, too, by the same test and margin. To answer all of them alike is enough.
 */
export function compareAnswered(
  metric: Metric,
  all: PairedSamples,
  unanswered: readonly number[],
  { margin, seed }: { margin: number; seed: number },
): AnsweredOutcome | null {
  if (unanswered.length === 0) return null
  const missing = new Set(unanswered)
  const part = itemsOf(
    all,
    all.labels.flatMap((_, index) => (missing.has(index) ? [] : [index])),
  )
  const n = part.labels.length === 0 ? 0 : unitsOf(metric, part)
  const nothing = { value: null, n, lower: null, upper: null }
  const why = n === 0 ? 'it answered none' : whyUndefined(metric, part)
  if (why !== undefined) return { n, difference: nothing, verdict: 'cannot_tell', note: why }
  const { value, lower, upper, verdict, note } = pairedDifference(metric, part, margin, seed)
  return { n, difference: { value, n, lower, upper }, verdict: note === alike ? 'pass' : verdict, note }
}
