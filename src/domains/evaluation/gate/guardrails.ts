import { quantileInterval } from '../../../core/stats/intervals.ts'
import { ratioNonInferiority } from '../../../core/stats/paired-difference.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { Measurements } from '../answers/answers.ts'
import { type Comparison, type MetricOutcome, oneSided } from '../comparison/comparison.ts'
import type { Verdict } from '../contract.ts'
import { formatNumber, type GateCheck, type IntervalEstimate, judgeInterval } from '../rules.ts'

type Floor = NonNullable<ModelSpec['success']['floors']>[number]
type Guardrail = NonNullable<ModelSpec['success']['guardrails']>[number]

/** One-sided 95 % bounds decide: a floor is proved, missed, or the golden set cannot tell. */
export function floorCheck({ metric, at_least: atLeast, at_most: atMost }: Floor, comparison: Comparison): GateCheck {
  const { metrics } = comparison
  const { n } = comparison.primary.difference
  const found = metrics.find((outcome) => outcome.metric === metric)
  const bounded = boundedOf(found)
  const verdict = found?.undefined ? 'cannot_tell' : judgeInterval(bounded, { atLeast, atMost })
  const wanted = [
    ...(atLeast === undefined ? [] : [`at least ${atLeast}`]),
    ...(atMost === undefined ? [] : [`at most ${atMost}`]),
  ].join(' and ')
  const because = found?.undefined
    ? `${metric} cannot tell: ${found.undefined}`
    : found
      ? `${metric} is ${inWords(bounded)}, wanted ${wanted === '' ? 'is nothing: the spec gives no limit' : wanted}`
      : unknownMetric(metric, metrics)
  return {
    check: `floor ${metric}`,
    verdict,
    required: true,
    ...bounded,
    limit: atLeast ?? atMost ?? null,
    n,
    reason: because,
  }
}

/** A signed metric such as bias must keep within its bound on both sides. */
export function withinCheck({ metric, within }: Guardrail, comparison: Comparison): GateCheck {
  const { metrics } = comparison
  const { n } = comparison.primary.difference
  const found = metrics.find((outcome) => outcome.metric === metric && outcome.direction === 'zero')
  const bounded = boundedOf(found)
  return {
    check: `guardrail ${metric}`,
    verdict: within === undefined ? 'error' : judgeInterval(bounded, { atLeast: -within, atMost: within }),
    required: true,
    ...bounded,
    limit: within ?? null,
    n,
    reason: !found
      ? `"within" needs a signed metric such as bias; ${unknownMetric(metric, metrics)}`
      : within === undefined
        ? `the spec gives no "within" for ${metric}`
        : `${metric} is ${inWords(bounded)}, wanted within ±${within}`,
  }
}

/** Below this, differences cannot be noticed, and a ratio of times measures the machine instead of the model. */
const negligibleMilliseconds = 1

type Latencies = Measurements['latencies']
type LatencyRule = { name: string; ratio: number | undefined; constantBaseline: boolean; slowAfter: number | undefined }

/**
 * Time of one answer, against the baseline model answering the same items in turn (mean of the log ratios), or, where
 * the baseline is a constant or recorded and a ratio would mean nothing, against `delivery.rollout.slow_after`.
 */
export function latencyCheck(latencies: Latencies | undefined, rule: LatencyRule): GateCheck {
  const check = { check: `guardrail ${rule.name}`, required: true, value: null, limit: null, n: 0 } as const
  if (!latencies || latencies.candidate.length === 0)
    return { ...check, verdict: 'error', reason: 'no answer was timed' }
  const n = latencies.candidate.length
  const p95 = quantileInterval(latencies.candidate, 0.95, oneSided)
  if (rule.constantBaseline) return absoluteLatency({ ...check, n }, p95, rule)
  if (rule.ratio === undefined)
    return { ...check, n, verdict: 'error', reason: `the spec gives no "ratio" for ${rule.name}` }
  const { verdict, ...ratio } = ratioOf(latencies, rule.ratio)
  const other = quantileInterval(latencies.baseline, 0.95, oneSided)
  const facts = `p95 ${inMilliseconds(p95.value)} against ${inMilliseconds(other.value)}, features not included`
  const shared = { ...check, ...ratio, limit: rule.ratio, n }
  if (verdict !== 'pass' && verdict !== 'error' && p95.upper !== null && p95.upper < negligibleMilliseconds) {
    const reason = `an answer takes under ${negligibleMilliseconds} ms, so its ratio of ${inWords(ratio)} does no harm: ${facts}`
    return { ...shared, verdict: 'pass', reason }
  }
  return {
    ...shared,
    verdict,
    reason: `answers take ${inWords(ratio)} times as long, wanted at most ${rule.ratio}: ${facts}`,
  }
}

function ratioOf({ candidate, baseline }: Latencies, limit: number): IntervalEstimate & { verdict: Verdict } {
  const pairs = candidate.map((time, index) => [time, baseline[index] ?? Number.NaN] as const)
  const { ratio, lower, upper, verdict } = ratioNonInferiority({ pairs, limit })
  return { value: orNull(ratio), lower, upper, verdict }
}

type Frame = { check: string; required: boolean; n: number }

function absoluteLatency(frame: Frame, p95: IntervalEstimate, { slowAfter }: LatencyRule): GateCheck {
  const why = 'a ratio of times against a baseline that is not timed says nothing'
  if (slowAfter === undefined) {
    const reason = `${why}, and delivery.rollout.slow_after is not set: p95 ${inMilliseconds(p95.value)}`
    return { ...frame, ...p95, limit: null, required: false, verdict: 'cannot_tell', reason }
  }
  if (p95.upper === null) {
    const reason = `${why}, and ${frame.n} items are too few to bound a p95: 59 are needed`
    return { ...frame, ...p95, limit: slowAfter, verdict: 'cannot_tell', reason }
  }
  const verdict = judgeInterval({ ...p95, lower: p95.lower ?? 0 }, { atMost: slowAfter })
  const reason = `${why}, so against delivery.rollout.slow_after: p95 ${inMilliseconds(p95.value)} (at most ${inMilliseconds(p95.upper)}), wanted at most ${inMilliseconds(slowAfter)}`
  return { ...frame, ...p95, limit: slowAfter, verdict, reason }
}

/** A guardrail that cannot be measured is an error and blocks: ignoring it would be a silent pass. */
export function unknownCheck({ metric, within, ratio }: Guardrail, { metrics }: Comparison): GateCheck {
  return {
    check: `guardrail ${metric}`,
    verdict: 'error',
    required: true,
    value: null,
    limit: within ?? ratio ?? null,
    n: 0,
    reason: `"ratio" is for latency_p95 and cost_per_1k; ${unknownMetric(metric, metrics)}`,
  }
}

function unknownMetric(metric: string, metrics: readonly MetricOutcome[]): string {
  return `"${metric}" is none of ${metrics.map((outcome) => outcome.metric).join(', ')}`
}

function boundedOf(outcome: MetricOutcome | undefined): IntervalEstimate {
  return outcome?.limits ?? { value: null, lower: null, upper: null }
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function inWords({ value, lower, upper }: IntervalEstimate): string {
  return `${formatNumber(value)} (${formatNumber(lower)} … ${formatNumber(upper)})`
}

function inMilliseconds(value: number | null): string {
  return value === null ? 'unknown' : `${Number(value.toPrecision(2))} ms`
}

export function sliceChecks({ slices }: Comparison, margin: number): GateCheck[] {
  return slices.map(({ slice, value, n, difference, verdict, worse, because }) => {
    const bounds = `${formatNumber(difference.value)} (${formatNumber(difference.lower ?? null)} … ${formatNumber(difference.upper ?? null)}, n ${n})`
    const words = {
      pass: `not worse by more than ${margin}: ${bounds}`,
      fail: `worse by more than ${margin}, also after correcting for ${slices.length} slices: ${bounds}`,
      cannot_tell: `${worse ? `worse by more than ${margin} when judged alone, not after correcting for ${slices.length} slices` : 'too few to prove, no harm proved'}: ${bounds}`,
      not_tested: because === null ? `not tested: ${n} items, 30 are needed` : `not tested: ${because}`,
    }
    return {
      check: `slice ${slice}=${value}`,
      verdict: verdict === 'not_tested' ? ('cannot_tell' as const) : verdict,
      // Only proved harm blocks. Most slices are too small to be judged, so those are warnings.
      required: verdict === 'fail',
      value: difference.value,
      lower: difference.lower ?? null,
      upper: difference.upper ?? null,
      limit: -margin,
      n,
      reason: words[verdict],
    }
  })
}
