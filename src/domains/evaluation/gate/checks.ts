import { milliseconds } from '../../../core/duration.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { ModelVersion } from '../answers/answers.ts'
import type { Comparison } from '../comparison/comparison.ts'
import type { ComparisonRun } from '../evaluate/evaluate.ts'
import { instantOf } from '../golden/golden.ts'
import type { PriceTable } from '../prices.ts'
import { formatBounds, formatNumber, type GateCheck } from '../rules.ts'
import { judgeCheck } from '../scoring/scoring.ts'
import { classAnswerChecks } from './class-answers.ts'
import { costCheck } from './cost.ts'
import { floorCheck, latencyCheck, sliceChecks, unknownCheck, withinCheck } from './guardrails.ts'
import { markedChecks } from './marked-answers.ts'

/** One check for every criterion of the spec, also for those that cannot be judged. */
export function checksOf(spec: ModelSpec, comparisonRun: ComparisonRun, prices: PriceTable): GateCheck[] {
  const { comparison } = comparisonRun
  return [
    qualityCheck(comparisonRun),
    ...(spec.success.floors ?? []).map((floor) => floorCheck(floor, comparison)),
    ...(spec.success.guardrails ?? []).map((guardrail) => guardrailCheck(guardrail, spec, comparisonRun, prices)),
    ...sliceChecks(comparison, spec.success.slice_margin ?? spec.success.quality.margin),
    ...comparisonRun.recorded.scored.judges.map(judgeCheck),
    ...unansweredChecks(comparisonRun),
    ...markedChecks(spec, comparisonRun),
    ...classAnswerChecks(spec, comparisonRun),
    ...hiddenChecks(comparisonRun),
    ...goldenDemandChecks(spec, comparisonRun),
    goldenCheck(comparisonRun),
  ]
}

function qualityCheck({ comparison }: ComparisonRun): GateCheck {
  const { metric, verdict, difference, margin, reason } = comparison.primary
  const { value, lower, upper, n } = difference
  return {
    check: `quality ${metric}`,
    verdict,
    required: true,
    value,
    lower: lower ?? null,
    upper: upper ?? null,
    limit: -margin,
    n,
    reason,
  }
}

type Guardrail = NonNullable<ModelSpec['success']['guardrails']>[number]

function guardrailCheck(
  guardrail: Guardrail,
  spec: ModelSpec,
  { comparison, measured, baseline }: ComparisonRun,
  prices: PriceTable,
): GateCheck {
  if (guardrail.metric.startsWith('latency_')) {
    const slowAfter = spec.delivery.rollout.slow_after
    return latencyCheck(measured?.latencies, {
      name: guardrail.metric,
      ratio: guardrail.ratio,
      constantBaseline: baseline.constant !== null || baseline.given !== null,
      slowAfter: slowAfter === undefined ? undefined : milliseconds(slowAfter),
    })
  }
  if (guardrail.metric.startsWith('cost_')) {
    return costCheck(guardrail, {
      measured,
      prices,
      constantBaseline: baseline.constant !== null || baseline.given !== null,
    })
  }
  return guardrail.ratio === undefined ? withinCheck(guardrail, comparison) : unknownCheck(guardrail, comparison)
}

/** Nothing unvetted may reach production; a version that names no origin at all is a warning. */
export function lineageCheck(
  { tainted, trainingSet, flavor }: ModelVersion,
  origin: { source: string | null } | undefined,
): GateCheck {
  const check = { check: 'lineage', value: tainted.length, limit: 0, n: tainted.length }
  if (tainted.length > 0) {
    const reason = `it was made from sources that nobody vetted: ${tainted.join(', ')}`
    return { ...check, required: true, verdict: 'fail', reason }
  }
  const untold = { ...check, required: false, verdict: 'cannot_tell' } as const
  if (trainingSet === null && (flavor === 'onnx' || flavor === 'mlflow'))
    return { ...untold, reason: 'it does not say what it was trained on' }
  if (origin?.source === null)
    return { ...untold, reason: 'the rows that it was trained on do not say which source they are from' }
  return { ...check, required: true, verdict: 'pass', reason: 'every source it was made from is vetted' }
}

/**
 * What the baseline could not answer is said apart: it counted against the baseline, and the baseline is what is live. On the
 * items that it did answer the candidate must be no worse either.
 */
function unansweredChecks({ comparison, against, items }: ComparisonRun): GateCheck[] {
  const { count, ids } = comparison.unanswered
  if (count === 0) return []
  const named = ids.slice(0, 5).join(', ')
  const more = count > 5 || ids.length < count ? ', …' : ''
  return [
    {
      check: 'baseline answers',
      verdict: 'cannot_tell',
      required: false,
      value: count,
      limit: 0,
      n: items.length,
      reason: `${against} has no usable answer for ${count} of ${items.length} items${named === '' ? '' : ` (${named}${more})`}; each counts against it, as wrong as the most wrong answer given. That is the fault of ${against}, not of the candidate`,
    },
    ...answeredChecks(comparison, against),
  ]
}

function answeredChecks({ answered, primary: { metric, margin } }: Comparison, against: string): GateCheck[] {
  if (!answered) return []
  const { n, difference, verdict, note } = answered
  const { value, lower = null, upper = null } = difference
  const bounds = `by ${formatNumber(value)} (${formatBounds(difference)})`
  const words = {
    pass: `the candidate is not worse by more than ${margin}`,
    fail: `the candidate is worse by more than ${margin}`,
    cannot_tell: `the candidate may be worse by more than ${margin}`,
    error: 'the candidate could not be compared',
  }[verdict]
  const out =
    verdict === 'cannot_tell'
      ? `; ways out: more items that it answers, "against: baseline" in the spec, or "keel rollback" to a release that answers`
      : ''
  return [
    {
      check: `quality ${metric} where the baseline answers`,
      verdict,
      required: true,
      value,
      lower,
      upper,
      limit: -margin,
      n,
      reason: `on the ${n} items that ${against} answers, ${words}${value === null ? '' : `: ${bounds}`}${note === '' ? '' : `; ${note}`}${out}`,
    },
  ]
}

/** Whether the visible items look better than the hidden ones, which nobody could tune to. */
function hiddenChecks({ comparison: { hidden, primary } }: ComparisonRun): GateCheck[] {
  if (!hidden) return []
  const { n, difference, gap, overfitted } = hidden
  const bounds = `${formatNumber(gap.value)} (${formatNumber(gap.lower ?? null)} … ${formatNumber(gap.upper ?? null)})`
  const known = gap.value !== null && gap.lower !== null
  return [
    {
      check: 'hidden items',
      verdict: known && !overfitted ? 'pass' : 'cannot_tell',
      required: false,
      value: difference.value,
      lower: difference.lower ?? null,
      upper: difference.upper ?? null,
      limit: null,
      n,
      reason: known
        ? `${primary.metric} differs by ${formatNumber(difference.value)} on ${n} hidden items; on the seen ones the candidate looks ${overfitted ? 'better than it is' : 'alike'}: by ${bounds}`
        : `${n} hidden items are too few, or too alike, to tell whether the seen ones flatter`,
    },
  ]
}

/** How often the set was used, and doubts about whether it still fits: warnings, repeated in every gate. */
function goldenCheck({ set, items, candidate, representativeness }: ComparisonRun): GateCheck {
  const { time } = set.definition
  const moments = time === undefined ? [] : items.flatMap((item) => instantOf(item[time])?.toISOString() ?? [])
  const { trained } = candidate
  const inside = trained ? moments.filter((moment) => moment >= trained.from && moment < trained.to).length : 0
  const uses = set.uses + 1
  const used = `v${set.version}, ${items.length} items${spanOf(moments)}, gate number ${uses} that looks at it`
  const overlap = `${inside} of its items are from the period that the candidate was trained on`
  const { population, warnings } = representativeness
  const doubts = [...(inside > 0 ? [overlap] : []), ...(population ? warnings : [])]
  return {
    check: 'golden set',
    verdict: doubts.length > 0 ? 'cannot_tell' : 'pass',
    required: false,
    value: inside,
    limit: 0,
    n: items.length,
    reason: [used, ...doubts, ...(population ? [] : warnings)].join('; '),
  }
}

/** The spec's requirements for the golden set: a stale set, or one that leaves out traffic, proves nothing. */
function goldenDemandChecks({ success }: ModelSpec, { representativeness, items }: ComparisonRun): GateCheck[] {
  const { coverage: least, stale = 'warn' } = success.golden ?? {}
  const { coverage, fresh } = representativeness
  const frame = { required: true, n: items.length }
  const checks: GateCheck[] = []
  if (least !== undefined) {
    const share = coverage?.share ?? null
    const reason =
      share === null
        ? 'no sample of production tells what it covers'
        : `it covers ${formatNumber(100 * share)} % of traffic by ${coverage?.by.join(', ')}, wanted at least ${formatNumber(100 * least)} %`
    const verdict = share !== null && share >= least ? 'pass' : 'cannot_tell'
    checks.push({ ...frame, check: 'golden coverage', verdict, value: share, limit: least, reason })
  }
  if (stale === 'block') {
    const reason = fresh
      ? `${fresh.metric} of the live version is ${formatNumber(fresh.golden)} on the set and ${formatNumber(fresh.production)} on ${fresh.n} fresh items${fresh.stale ? ': the set is stale' : ''}`
      : 'fewer than 100 fresh items of the live version have labels'
    const verdict = fresh && !fresh.stale ? 'pass' : 'cannot_tell'
    const { value = null, lower = null, upper = null } = fresh ?? {}
    checks.push({ ...frame, check: 'golden fresh', verdict, value, lower, upper, limit: 0, reason })
  }
  return checks
}

function spanOf(moments: string[]): string {
  const sorted = moments.toSorted()
  const first = sorted[0]?.slice(0, 10)
  const last = sorted.at(-1)?.slice(0, 10)
  return first === undefined ? '' : ` of ${first} … ${last}`
}
