import type { Context } from '../../core/context.ts'
import type { Output } from '../../core/contract.ts'
import { metricsOf } from '../../core/stats/metrics.ts'
import type { evaluation } from './contract.ts'

/** Answers of text have no metrics here: each scorer of a spec is one. */
export function listMetrics(_ctx: Context, _input: object): Output<(typeof evaluation)['listMetrics']> {
  const items = Object.entries(metricsOf).flatMap(([task, metrics]) =>
    Object.entries(metrics).map(([metric, { direction, says }]) => ({ task, metric, direction, says })),
  )
  return { items }
}
