import { milliseconds } from '../../core/duration.ts'
import { millisecondsOf } from '../../core/time.ts'
import { basisOf, kinds } from '../evaluation/evaluation.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'
import { rulesOf } from './rules.ts'

/** A Monday: weeks begin here unless the spec says otherwise. */
const defaultAnchor = '2001-01-01T00:00:00Z'

/** What is watched of a model, and with which limits: from its spec, with defaults for everything. */
export function settingsOf(spec: ModelSpec) {
  const { monitoring } = spec
  const slow = spec.delivery.rollout.slow_after
  return {
    length: milliseconds(monitoring?.every ?? '7d'),
    anchor: millisecondsOf(monitoring?.anchor ?? defaultAnchor),
    /** Labels of a window are complete this long after its end. */
    maturity: spec.labels ? milliseconds(spec.labels.arrive_within) : 0,
    bias: monitoring?.bias ?? 0.03,
    effect: monitoring?.psi ?? 0.2,
    minRows: monitoring?.min_rows ?? 300,
    badRate: spec.delivery.rollout.bad_rate ?? 0.05,
    slowMilliseconds: slow === undefined ? undefined : milliseconds(slow),
    costPer1k: spec.success.guardrails?.find(({ metric }) => metric === 'cost_per_1k')?.within,
    /** What is asked of its answers, and the bounds that hold whatever is live. */
    answers: basisOf(spec),
    floors: spec.success.floors ?? [],
    /** Inputs that the log leaves out, and whether it keeps only the length of texts. */
    omitted: new Set(spec.serves.log?.omit),
    lengthsOnly: spec.serves.output === 'text' && spec.serves.log?.content !== true,
    binary: spec.serves.output === 'binary',
    kind: kinds[spec.serves.output],
    alertsPerWeek: spec.delivery.targets.alerts_per_week,
    rules: rulesOf(monitoring?.rules),
  }
}

export type Settings = ReturnType<typeof settingsOf>
