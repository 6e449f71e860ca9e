import { milliseconds } from '../../../core/duration.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { ModelVersion } from '../answers/answers.ts'
import type { Examination } from '../evaluate/evaluate.ts'
import { instantOf } from '../golden/golden.ts'
import type { PriceTable } from '../prices.ts'
import { type GateCheck, shown } from '../rules.ts'
import { judgeCheck } from '../scoring/scoring.ts'
import { costCheck } from './cost.ts'
import { floorCheck, latencyCheck, sliceChecks, unknownCheck, withinCheck } from './guardrails.ts'

/** Every criterion of the spec as a check; none is left out, whether or not it can be judged. */
export function checksOf(spec: ModelSpec, examined: Examination, prices: PriceTable): GateCheck[] {
  const { comparison } = examined
  return [
    qualityCheck(examined),
    ...(spec.success.floors ?? []).map((floor) => floorCheck(floor, comparison)),
    ...(spec.success.guardrails ?? []).map((guardrail) => guardrailCheck(guardrail, spec, examined, prices)),
    ...sliceChecks(comparison, spec.success.slice_margin ?? spec.success.quality.margin),
    ...examined.recorded.scored.judges.map(judgeCheck),
    ...hiddenChecks(examined),
    ...demandedOfGolden(spec, examined),
    goldenCheck(examined),
  ]
}

function qualityCheck({ comparison }: Examination): GateCheck {
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
  { comparison, measured, baseline }: Examination,
  prices: PriceTable,
): GateCheck {
  if (guardrail.metric.startsWith('latency_')) {
    const slowAfter = spec.delivery.rollout.slow_after
    return latencyCheck(measured?.latencies, {
      name: guardrail.metric,
      ratio: guardrail.ratio,
      constantBaseline: baseline.constant !== null,
      slowAfter: slowAfter === undefined ? undefined : milliseconds(slowAfter),
    })
  }
  if (guardrail.metric.startsWith('cost_')) {
    return costCheck(guardrail, { measured, prices, constantBaseline: baseline.constant !== null })
  }
  return guardrail.ratio === undefined ? withinCheck(guardrail, comparison) : unknownCheck(guardrail, comparison)
}

/** Nothing unvetted may reach production; a version that names no origin at all is a warning. */
export function lineageCheck({ tainted, trainingSet, flavor }: ModelVersion): GateCheck {
  const check = { check: 'lineage', value: tainted.length, limit: 0, n: tainted.length }
  if (tainted.length > 0) {
    const reason = `it was made from sources that nobody vetted: ${tainted.join(', ')}`
    return { ...check, required: true, verdict: 'fail', reason }
  }
  if (trainingSet === null && flavor === 'onnx') {
    const reason = 'it does not say what it was trained on'
    return { ...check, required: false, verdict: 'cannot_tell', reason }
  }
  return { ...check, required: true, verdict: 'pass', reason: 'every source it was made from is vetted' }
}

/** Whether the seen items look better than those that nobody could tune to. */
function hiddenChecks({ comparison: { hidden, primary } }: Examination): GateCheck[] {
  if (!hidden) return []
  const { n, difference, gap, overfitted } = hidden
  const bounds = `${shown(gap.value)} (${shown(gap.lower ?? null)} … ${shown(gap.upper ?? null)})`
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
        ? `${primary.metric} differs by ${shown(difference.value)} on ${n} hidden items; on the seen ones the candidate looks ${overfitted ? 'better than it is' : 'alike'}: by ${bounds}`
        : `${n} hidden items are too few, or too alike, to tell whether the seen ones flatter`,
    },
  ]
}

/** How often the set was looked at, and whether it is fit to judge by: warnings, said every time. */
function goldenCheck({ set, items, candidate, representativeness }: Examination): GateCheck {
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

/** What the spec demands of the set: a stale one, or one that leaves traffic out, proves nothing. */
function demandedOfGolden({ success }: ModelSpec, { representativeness, items }: Examination): GateCheck[] {
  const { coverage: least, stale = 'warn' } = success.golden ?? {}
  const { coverage, fresh } = representativeness
  const frame = { required: true, n: items.length }
  const checks: GateCheck[] = []
  if (least !== undefined) {
    const share = coverage?.share ?? null
    const reason =
      share === null
        ? 'no sample of production tells what it covers'
        : `it covers ${shown(100 * share)} % of traffic by ${coverage?.by.join(', ')}, wanted at least ${shown(100 * least)} %`
    const verdict = share !== null && share >= least ? 'pass' : 'cannot_tell'
    checks.push({ ...frame, check: 'golden coverage', verdict, value: share, limit: least, reason })
  }
  if (stale === 'block') {
    const reason = fresh
      ? `${fresh.metric} of the live version is ${shown(fresh.golden)} on the set and ${shown(fresh.production)} on ${fresh.n} fresh items${fresh.stale ? ': the set is stale' : ''}`
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
