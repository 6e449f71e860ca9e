import type { PairedSamples } from './intervals.ts'
import { type Metric, metricOf } from './units.ts'

/**
 * Why a metric has no value on these items: it has none even for perfect answers (one class only, the same label everywhere),
 * or none for the answers of one side (no positive answer). Undefined where it has one. Such a metric cannot tell; it is no error
 * of a model.
 */
export function whyUndefined(
  metric: Metric,
  { labels, candidate, baseline, ...grouping }: PairedSamples,
): string | undefined {
  const valueFor = (outputs: number[][]) => metricOf(metric, { ...grouping, labels, outputs })
  if (!Number.isFinite(valueFor([labels])) && metric.reads === undefined) return ofLabels(labels)
  for (const [side, outputs] of [
    ['candidate', candidate],
    ['baseline', baseline],
  ] as const)
    if (outputs.length > 0 && !Number.isFinite(valueFor(outputs)))
      return `${metric.name} is not defined for the answers of the ${side} to these ${labels.length} items`
  return undefined
}

function ofLabels(labels: readonly number[]): string {
  const n = labels.length
  if (new Set(labels).size > 1) return `it is not defined for the labels of these ${n} items`
  const one = labels[0]
  return one === 0 || one === 1 ? `only one class among ${n} items` : `the same label for all ${n} items`
}
