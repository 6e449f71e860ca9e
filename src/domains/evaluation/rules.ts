import type { Static } from 'typebox'
import type { Check, Verdict } from './contract.ts'

export type GateCheck = Static<typeof Check>

/** A value with its two one-sided 95 % bounds. */
export type IntervalEstimate = { value: number | null; lower: number | null; upper: number | null }

export type Limits = { atLeast?: number | undefined; atMost?: number | undefined }

/**
 * Whether a value is within its limits: `pass` when its whole interval is, `fail` when none of it is, `cannot_tell` otherwise.
 * A value, bound or limit that is missing or not a number is an `error`, never a pass.
 */
export function judgeInterval({ value, lower, upper }: IntervalEstimate, { atLeast, atMost }: Limits): Verdict {
  if (atLeast === undefined && atMost === undefined) return 'error'
  const min = atLeast ?? Number.NEGATIVE_INFINITY
  const max = atMost ?? Number.POSITIVE_INFINITY
  if (value === null || lower === null || upper === null || !Number.isFinite(value)) return 'error'
  // Written so that a NaN anywhere makes the condition false.
  const consistent = lower <= value && value <= upper && min <= max
  if (!consistent) return 'error'
  if (lower >= min && upper <= max) return 'pass'
  return upper < min || lower > max ? 'fail' : 'cannot_tell'
}

const severity: readonly Verdict[] = ['error', 'fail', 'cannot_tell', 'pass']

/** The worst of the required checks; a gate without any has proved nothing. */
export function combine(checks: readonly Pick<GateCheck, 'verdict' | 'required'>[]): Verdict {
  const found = new Set(checks.filter(({ required }) => required).map(({ verdict }) => verdict))
  if (found.size === 0) return 'error'
  return severity.find((verdict) => found.has(verdict)) ?? 'error'
}

/** The verdict in words: what decided it comes first. */
export function summarize(checks: readonly GateCheck[]): string {
  const verdict = combine(checks)
  const required = checks.filter((check) => check.required)
  const deciding = required.filter((check) => check.verdict === verdict)
  const warnings = checks.filter((check) => !check.required && check.verdict !== 'pass').length
  const also = warnings === 0 ? '' : ` ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}.`
  if (verdict === 'pass') return `All ${required.length} required checks pass.${also}`
  const words = { fail: 'fails', cannot_tell: 'cannot tell', error: 'could not be judged' }[verdict]
  const reasons = deciding.slice(0, 3).map(({ check, reason }) => `${check}: ${reason}`)
  const more = deciding.length > 3 ? `; and ${deciding.length - 3} more` : ''
  return `${deciding.length} of ${required.length} required checks ${deciding.length === 1 ? words : plural(verdict)}. ${withStop(`${reasons.join('; ')}${more}`)}${also}`
}

function withStop(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
}

function plural(verdict: Exclude<Verdict, 'pass'>): string {
  return { fail: 'fail', cannot_tell: 'cannot tell', error: 'could not be judged' }[verdict]
}

/** Checks by what they mean for the decision: what blocks first, warnings last; otherwise in their order. */
export function byImportance(checks: readonly GateCheck[]): GateCheck[] {
  const rank = (check: GateCheck) => severity.indexOf(check.verdict) + (check.required ? 0 : severity.length)
  return [...checks].sort((a, b) => rank(a) - rank(b))
}

type SliceVerdict = 'pass' | 'fail' | 'cannot_tell' | 'not_tested'

/** The result of the paired comparison of one slice; p-values are null where it was too small to be tested. */
export type SliceEvidence = {
  /** Lower one-sided 95 % bound of the difference (positive: candidate better). */
  lower: number | null
  /** Probability of what was seen if the slice were no worse than the margin. */
  harm: number | null
  /** The same after Holm's correction over all slices. */
  adjustedHarm: number | null
}

/**
 * A slice blocks only when harm beyond the margin is proved after correcting for the number of slices (`fail`); it
 * passes when harm is excluded. `worse` marks harm that is significant on its own alone: a warning.
 */
export function judgeSlice(
  { lower, harm, adjustedHarm }: SliceEvidence,
  margin: number,
  alpha = 0.05,
): { verdict: SliceVerdict; worse: boolean } {
  if (harm === null || adjustedHarm === null) return { verdict: 'not_tested', worse: false }
  if (adjustedHarm < alpha) return { verdict: 'fail', worse: true }
  if (lower !== null && lower > -margin) return { verdict: 'pass', worse: false }
  return { verdict: 'cannot_tell', worse: harm < alpha }
}

type FeatureParity = { feature: string; rows: number; differing: number; share: number; meanDifference: number }
type ParityRule = { tolerance: number; share: number; asOf: 'known' | 'event' }

/** Whether serving would see the values that the training set holds, for one feature. */
export function judgeParity(parity: FeatureParity, rule: ParityRule): GateCheck {
  const { feature, rows, share } = parity
  const known = rows > 0 && share >= 0 && share <= 1
  const verdict: Verdict = !known ? 'error' : share <= rule.share ? 'pass' : 'fail'
  return {
    check: `parity ${feature}`,
    verdict,
    required: true,
    value: known ? share : null,
    limit: rule.share,
    n: rows,
    reason: known ? parityInWords(parity, rule, verdict) : `no row of ${feature} could be compared`,
  }
}

function parityInWords(parity: FeatureParity, { tolerance, asOf }: ParityRule, verdict: Verdict): string {
  const { feature, rows, differing, share, meanDifference } = parity
  if (verdict === 'pass')
    return `served and training values of ${feature} agree: ${differing} of ${rows} rows differ by more than ${tolerance}`
  const cause = asOf === 'event' ? ': the training set knew rows that serving does not know yet' : ''
  const size = Number.isFinite(meanDifference) ? ` (${formatNumber(meanDifference)} on average)` : ''
  return `served and training values of ${feature} differ in ${percent(share)} of rows${size}${cause}`
}

function percent(share: number): string {
  const value = 100 * share
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toPrecision(2)} %`
}

/** A difference with its bounds; where every pair is alike, or too few are left, there are none. */
export function formatBounds({ lower = null, upper = null }: { lower?: number | null; upper?: number | null }): string {
  const known = [lower, upper].some((bound) => bound !== null && Number.isFinite(bound))
  return known ? `one-sided 95 % bounds ${formatNumber(lower)} … ${formatNumber(upper)}` : 'no bounds'
}

/** Four significant digits, without trailing zeros. */
export function formatNumber(value: number | null): string {
  return value === null || !Number.isFinite(value) ? 'nothing' : String(Number(value.toPrecision(4)))
}
