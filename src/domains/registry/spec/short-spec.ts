import type { Static } from 'typebox'
import { object, optional } from '../../../core/contract.ts'
import { ModelSpec } from './model-spec.ts'

const { success, delivery, golden, review, ...asked } = ModelSpec.properties

/** `models/<name>.yaml`: who answers for a model and what it serves; whatever else is left out has a default. */
export const SpecFile = object({
  ...asked,
  golden: optional(golden),
  success: optional(object({ ...success.properties, quality: optional(success.properties.quality) })),
  delivery: optional(
    object({
      ...delivery.properties,
      targets: optional(delivery.properties.targets),
      rollout: optional(delivery.properties.rollout),
      rollback: optional(delivery.properties.rollback),
    }),
  ),
  review: optional(review),
})
type SpecFile = Static<typeof SpecFile>
type Output = ModelSpec['serves']['output']

/** What is asked of answers whose spec names no metric: without a unit, so that one margin fits every model. */
const qualities: Record<Output, { metric: string; margin: number }> = {
  binary: { metric: 'auc', margin: 0.02 },
  multiclass: { metric: 'accuracy', margin: 0.03 },
  regression: { metric: 'r2', margin: 0.03 },
  ranking: { metric: 'ndcg', margin: 0.02 },
  text: { metric: 'score', margin: 0.05 },
}

const targets = { frequency: 'monthly', change_fail_rate: '15%', rollback_time: '5m', alerts_per_week: 2 } as const
const rollout = { shadow: '1d', steps: [10, 50, 100], bake: '1d' }
const rollback = { to: 'previous', drill_every: '90d' } as const

/**
 * The whole spec that a file stands for. A file that names no golden set only has its model watched; one that names it can be
 * gated; one that says how it is delivered is released as it says.
 */
export function completeSpec(file: SpecFile): ModelSpec {
  const level = file.level ?? levelOf(file)
  const { model, serves, success = {} } = file
  const scorer = success.scorers?.[0]?.name
  const quality = {
    ...qualities[serves.output],
    ...(scorer === undefined ? {} : { metric: scorer }),
    against: 'live' as const,
  }
  return {
    ...file,
    ...(level === undefined ? {} : { level }),
    golden: file.golden ?? `${model.slice(0, 121)}-golden`,
    success: { ...success, quality: success.quality ?? quality },
    delivery: {
      ...file.delivery,
      targets: file.delivery?.targets ?? targets,
      rollout: file.delivery?.rollout ?? rollout,
      rollback: file.delivery?.rollback ?? rollback,
    },
    review: file.review ?? { every: 'week' },
  }
}

/** Undefined for a file that says everything itself. */
function levelOf({ golden, success, delivery, review }: SpecFile): ModelSpec['level'] {
  if (golden === undefined) return 'watch'
  const whole = success?.quality && delivery?.targets && delivery.rollout && delivery.rollback && review
  if (whole) return undefined
  return delivery === undefined ? 'gate' : 'deliver'
}

/** What a file did not say, what that means, and what to write next. */
export function toldDefaults(file: SpecFile): string[] {
  const { model, level, golden, success, delivery, review } = completeSpec(file)
  const { metric, margin } = success.quality
  const said = [
    ...(file.review ? [] : [`a review every ${review.every}`]),
    ...(file.golden ? [] : [`no golden set ("${golden}" once there is one)`]),
    ...(file.success?.quality ? [] : [`quality by ${metric}, margin ${margin}, against what is live`]),
    ...(file.delivery?.rollout
      ? []
      : [
          `a rollout by ${delivery.rollout.shadow} of shadow and steps of ${delivery.rollout.steps.join(', ')} %, ${delivery.rollout.bake} each`,
        ]),
    ...(file.delivery?.rollback
      ? []
      : [`a rollback to the ${delivery.rollback.to} release, rehearsed every ${delivery.rollback.drill_every}`]),
    ...(file.delivery?.targets
      ? []
      : [
          `a change a month, at most ${delivery.targets.change_fail_rate} of them failing, ${delivery.targets.alerts_per_week} pages a week`,
        ]),
  ]
  if (said.length === 0) return []
  return [`models/${model}.yaml is of level ${level}: ${said.join('; ')}.${next[level ?? 'deliver']}`]
}

const next = {
  watch: ' To gate it too, name its golden set under "golden" and what success means under "success".',
  gate: ' To release it by steps of your own, say how under "delivery".',
  deliver: '',
}
