import { twoProportionZ } from '../../../core/stats/drift-distances.ts'
import { type Sketch, sketchSummary } from '../../../core/stats/sketch.ts'
import type { DetectedSignal } from '../alerts/alerts.ts'
import { countOf } from '../rules.ts'

/** A column in the first rows of a source and in its newest. */
export type ColumnCheck = { column: string; before: Sketch | undefined; now: Sketch | undefined; identity: boolean }

export type SourceCheck = {
  rows: number
  duplicates: number
  columns: ColumnCheck[]
  /** Rows a day in earlier checks, newest first, and in this one. */
  earlierRates: number[]
  rate: number
}

const significance = 1e-4
const missingMargin = 0.05
const unseenShare = 0.01
const minChecks = 4

/** What is wrong with newly arrived rows, described for the person who has to find the cause. */
export function signalsFromSource(source: string, check: SourceCheck): DetectedSignal[] {
  return [
    ...check.columns.flatMap((column) => signalsFromColumn(source, column)),
    ...signalsFromDuplicates(source, check),
    ...signalsFromVolume(source, check),
  ]
}

function signalsFromColumn(source: string, { column, before, now, identity }: ColumnCheck): DetectedSignal[] {
  if (!before)
    return [
      sourceSignal(
        `schema/${column}`,
        `"${source}" has a new column "${column}".`,
        { value: null, n: now ? countOf(now.counts) : 0 },
        0,
      ),
    ]
  if (!now) return []
  const [was, is] = [sketchSummary(before), sketchSummary(now)]
  const [missingBefore, missing] = [was.missing / Math.max(1, was.count), is.missing / Math.max(1, is.count)]
  const signals: DetectedSignal[] = []
  if (missing === 1 && missingBefore < 0.5 && is.count >= 20) {
    signals.push(
      sourceSignal(
        `schema/${column}`,
        `"${column}" of "${source}" vanished: no new row has it.`,
        { value: 1, n: is.count },
        missingBefore,
      ),
    )
  } else if (
    missing - missingBefore > missingMargin &&
    significantlyMore({ count: was.missing, n: was.count }, { count: is.missing, n: is.count })
  ) {
    signals.push(
      sourceSignal(
        `missing/${column}`,
        `${share(missing)} of "${column}" is missing in new rows of "${source}" (was ${share(missingBefore)}).`,
        { value: missing, n: is.count },
        missingBefore + missingMargin,
      ),
    )
  }
  if (identity || missing === 1) return signals
  const factor = spreadFollows(was, is) ? unitFactor(was.median, is.median) : undefined
  if (factor !== undefined) {
    signals.push(
      sourceSignal(
        `unit/${column}`,
        `"${column}" of "${source}" looks like another unit: its median changed by ${factor}.`,
        { value: is.median, n: is.count },
        was.median ?? 0,
      ),
    )
    return signals
  }
  const [unseenBefore, unseen] = [unseenOf(before), unseenOf(now)]
  if (unseen.count / Math.max(1, unseen.n) > unseenShare && significantlyMore(unseenBefore, unseen)) {
    const what = now.reference.kind === 'numeric' ? 'outside the range it had' : 'values it never had'
    signals.push(
      sourceSignal(
        `${now.reference.kind === 'numeric' ? 'range' : 'categories'}/${column}`,
        `${share(unseen.count / unseen.n)} of "${column}" in new rows of "${source}" is ${what}.`,
        { value: unseen.count / unseen.n, n: unseen.n },
        unseenShare,
      ),
    )
  }
  return signals
}

/** How many of the present values are below or above the known range, or of an unknown category. */
function unseenOf({ reference, counts }: Sketch): { count: number; n: number } {
  const last = counts.length - 1
  const count = (counts[last - 1] ?? 0) + (reference.kind === 'numeric' ? (counts[0] ?? 0) : 0)
  return { count, n: countOf(counts) - (counts[last] ?? 0) }
}

function significantlyMore(before: { count: number; n: number }, now: { count: number; n: number }): boolean {
  return before.n > 0 && now.n > 0 && twoProportionZ(before, now).p < significance
}

const share = (value: number) => `${(100 * value).toFixed(1)} %`

/** The factors between common units. Powers of ten (cents, permille, milliseconds) are recognized apart. */
const unitRatios: [number, string][] = [
  [2.54, '2.54 (inches and centimetres)'],
  [0.45359237, '0.4536 (pounds and kilograms)'],
  [1.609344, '1.609 (miles and kilometres)'],
  [3.6, '3.6 (m/s and km/h)'],
  [0.3048, '0.3048 (feet and metres)'],
  [1.8, '1.8 (degrees)'],
]
const unitTolerance = 0.02

/** The factor by which a median changed, if a change of unit explains it. */
export function unitFactor(before: number | null, now: number | null): string | undefined {
  if (before === null || now === null || before === 0 || now === 0 || before * now < 0) return undefined
  const ratio = now / before
  const power = Math.round(Math.log10(ratio))
  if (power !== 0 && Math.abs(ratio / 10 ** power - 1) < unitTolerance * 2) return `10^${power}`
  const known = unitRatios.find(([factor]) =>
    [factor, 1 / factor].some((one) => Math.abs(ratio / one - 1) < unitTolerance),
  )
  return known?.[1]
}

type Summary = { median: number | null; deviation: number | null }

/**
 * A change of unit scales the spread as it scales the median: here at least half as much, on a logarithmic scale. Without this,
 * a median near zero, such as that of a delay, would look like another unit whenever it moves. Without a spread the median decides.
 */
export function spreadFollows(before: Summary, now: Summary): boolean {
  if (!before.median || !now.median || !before.deviation || !now.deviation) return true
  return Math.log(now.deviation / before.deviation) / Math.log(now.median / before.median) > 0.5
}

function signalsFromDuplicates(source: string, { rows, duplicates }: SourceCheck): DetectedSignal[] {
  if (duplicates === 0 || duplicates / rows <= 0.001) return []
  return [
    sourceSignal(
      'duplicates',
      `${duplicates} of ${rows} new rows of "${source}" are duplicates.`,
      { value: duplicates / rows, n: rows },
      0.001,
    ),
  ]
}

function signalsFromVolume(source: string, { earlierRates, rate }: SourceCheck): DetectedSignal[] {
  if (earlierRates.length < minChecks) return []
  const sorted = earlierRates.toSorted((a, b) => a - b)
  const usual = sorted[sorted.length >> 1] ?? 0
  const [low, high] = [(sorted[0] ?? 0) / 2, (sorted.at(-1) ?? 0) * 2]
  if (rate >= low && rate <= high) return []
  const words = `"${source}" got ${rate.toFixed(0)} rows a day; ${usual.toFixed(0)} are usual.`
  return [sourceSignal('volume', words, { value: rate, n: earlierRates.length }, rate < low ? low : high)]
}

/** Whether no rows have come for three times as long as the longest usual gap. */
export function stale(gaps: readonly number[], silentFor: number): boolean {
  const sorted = gaps.toSorted((a, b) => a - b)
  const usual = sorted[sorted.length >> 1]
  return usual !== undefined && gaps.length >= minChecks && silentFor > 3 * Math.max(usual, sorted.at(-1) ?? 0)
}

export function sourceSignal(
  subject: string,
  summary: string,
  value: DetectedSignal['value'],
  threshold: number,
): DetectedSignal {
  return {
    signal: 'data',
    subject,
    severity: 'digest',
    summary,
    value,
    threshold,
    thresholdFrom: 'the first rows of the source',
  }
}
