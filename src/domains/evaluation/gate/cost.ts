import { studentTQuantile } from '../../../core/stats/distributions.ts'
import { clusteredMean, ratioNonInferiority } from '../../../core/stats/paired-difference.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { Measurements } from '../answers/answers.ts'
import { oneSided } from '../comparison/comparison.ts'
import { costOf, missingPrices, type PriceTable } from '../prices.ts'
import { combine, formatNumber, type GateCheck, judgeInterval } from '../rules.ts'

type Guardrail = NonNullable<ModelSpec['success']['guardrails']>[number]
type CostInput = { measured: Measurements | undefined; prices: PriceTable; constantBaseline: boolean }

const perThousand = 1000

/** The cost of answers by the price table: as a ratio to the baseline's, and against a budget for a thousand answers. */
export function costCheck(
  { metric, ratio, within }: Guardrail,
  { measured, prices, constantBaseline }: CostInput,
): GateCheck {
  const frame = { check: `guardrail ${metric}`, required: true, value: null, limit: ratio ?? within ?? null, n: 0 }
  if (Object.keys(prices.prices).length === 0) {
    const reason = 'not configured: no price table prices its answers; add "prices" to keel.yaml'
    return { ...frame, required: false, verdict: 'cannot_tell', reason }
  }
  if (!measured || measured.usage.candidate.length === 0)
    return { ...frame, verdict: 'error', reason: 'no answer was measured' }
  const { usage } = measured
  const missing = missingPrices([...usage.candidate, ...(constantBaseline ? [] : usage.baseline)], prices.prices)
  if (missing.length > 0) {
    return { ...frame, verdict: 'error', reason: `the price table has no price for ${missing.join(', ')}` }
  }
  const costs = usage.candidate.map((one) => costOf(one, prices.prices))
  const parts = [
    ...(within === undefined ? [] : [withinBudget(costs, within)]),
    ...(ratio === undefined || constantBaseline
      ? []
      : [
          ratioToBaseline(
            costs,
            usage.baseline.map((one) => costOf(one, prices.prices)),
            ratio,
          ),
        ]),
  ]
  const [first] = parts
  if (!first) {
    const reason = constantBaseline
      ? 'a ratio to the cost of a baseline that is not measured says nothing; give a budget per thousand answers by "within"'
      : `the spec gives neither "ratio" nor "within" for ${metric}`
    return { ...frame, required: !constantBaseline, verdict: constantBaseline ? 'cannot_tell' : 'error', reason }
  }
  const verdict = combine(parts.map((part) => ({ ...part, required: true })))
  const deciding = parts.find((part) => part.verdict === verdict) ?? first
  return { ...frame, ...deciding, n: costs.length, reason: parts.map(({ reason }) => reason).join('; ') }
}

type CostVerdict = Pick<GateCheck, 'verdict' | 'value' | 'lower' | 'upper' | 'limit' | 'reason'>

function withinBudget(costs: number[], limit: number): CostVerdict {
  const { mean, error, freedom } = clusteredMean(costs)
  const half = freedom > 0 ? studentTQuantile(1 - oneSided / 2, freedom) * error : Number.NaN
  const bounded = Number.isFinite(half)
    ? { value: mean * perThousand, lower: (mean - half) * perThousand, upper: (mean + half) * perThousand }
    : { value: null, lower: null, upper: null }
  const verdict = judgeInterval(bounded, { atMost: limit })
  return { ...bounded, verdict, limit, reason: `a thousand answers cost ${inWords(bounded)}, wanted at most ${limit}` }
}

function ratioToBaseline(candidate: number[], baseline: number[], limit: number): CostVerdict {
  const pairs = candidate.map((cost, index) => [cost, baseline[index] ?? Number.NaN] as const)
  const { ratio, lower, upper, verdict, reason } = ratioNonInferiority({ pairs, limit })
  const bounded = { value: Number.isFinite(ratio) ? ratio : null, lower, upper }
  const words =
    bounded.value === null ? reason : `answers cost ${inWords(bounded)} times as much, wanted at most ${limit}`
  return { ...bounded, verdict, limit, reason: words }
}

function inWords({
  value,
  lower,
  upper,
}: {
  value: number | null
  lower: number | null
  upper: number | null
}): string {
  return `${formatNumber(value)} (${formatNumber(lower)} … ${formatNumber(upper)})`
}
