import type { Context } from '../../core/context.ts'
import * as runs from '../../domains/runs/runs.ts'
import * as traces from '../../domains/traces/traces.ts'
import * as input from './input.ts'
import { traceConditions } from './trace-search.ts'

/**
 * How much two filters pick the same traces: normalized pointwise mutual information, in [-1, 1], 0 when independent
 * (Bouma, "Normalized (Pointwise) Mutual Information in Collocation Extraction", GSCL 2009).
 */
export async function filterCorrelation(ctx: Context, fields: input.Fields) {
  const experiments = input.texts(fields, 'experiment_ids').map(runs.experimentNumber)
  const conditions = (name: string) => traceConditions(input.optionalText(fields, name))
  const base = conditions('base_filter')
  const [first, second] = [conditions('filter_string1'), conditions('filter_string2')]
  const count = (more: traces.Condition[]) => traces.count(ctx, { experiments, conditions: [...base, ...more] })
  const [total, one, two, both] = [
    await count([]),
    await count(first),
    await count(second),
    await count([...first, ...second]),
  ]
  return {
    npmi: written(npmi(total, one, two, both, 0)),
    npmi_smoothed: written(npmi(total, one, two, both, 0.5)),
    filter1_count: one,
    filter2_count: two,
    joint_count: both,
    total_count: total,
  }
}

function written(value: number): number | 'NaN' {
  return Number.isNaN(value) ? 'NaN' : value
}

/** `smoothing` is added to each cell of the two-by-two table, so that small counts say little (Jeffreys: 0.5). */
export function npmi(total: number, one: number, two: number, both: number, smoothing: number): number {
  if (total === 0) return Number.NaN
  const n = total + 4 * smoothing
  const joint = (both + smoothing) / n
  const [p1, p2] = [(one + 2 * smoothing) / n, (two + 2 * smoothing) / n]
  if (p1 === 0 || p2 === 0) return Number.NaN
  if (joint === 0) return -1
  if (joint === 1) return 1
  return Math.max(-1, Math.min(1, Math.log(joint / (p1 * p2)) / -Math.log(joint)))
}
