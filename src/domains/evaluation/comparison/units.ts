import type { MetricDefinition } from '../../../core/stats/metrics.ts'
import { mean } from '../../../core/stats/summary.ts'

export type Metric = MetricDefinition & { name: string }

/** What says which items belong together. */
export type Grouping = {
  /** Items of one list are ranked among each other. */
  lists?: readonly string[] | undefined
  /** Items of one user or document: only these are independent of each other. */
  clusters?: readonly string[] | undefined
}

/** Answers of one side: one list of outputs for each time that it was asked. */
export type Sample = Grouping & { labels: number[]; outputs: number[][] }

/** The parts whose mean the metric is, one for each item or list; undefined for metrics that are no means. */
export function partsOf({ perItem, perList, value }: Metric, { labels, outputs, lists }: Sample): number[] | undefined {
  if (perItem) {
    return labels.map((label, index) => mean(outputs.map((output) => perItem(label, output[index] ?? Number.NaN))))
  }
  if (!perList) return undefined
  return groupsOf(lists ?? labels.map(() => '')).map(([, members]) =>
    mean(outputs.map((output) => value(pick(labels, members), pick(output, members)))),
  )
}

/** The metric over all items; where the model was asked several times, its mean over the times. */
export function metricOf(metric: Metric, sample: Sample): number {
  if (metric.perList) return mean(partsOf(metric, sample) ?? [])
  return mean(sample.outputs.map((output) => metric.value(sample.labels, output)))
}

/** A cluster for each part of the metric. */
export function clustersOf({ perList }: Metric, { lists, clusters }: Grouping): readonly string[] | undefined {
  if (!perList || !clusters || !lists) return clusters
  return groupsOf(lists).map(([, members]) => clusters[members[0] ?? 0] ?? '')
}

/** How many independent looks the metric has: items, lists or clusters. */
export function unitsOf(
  metric: Metric,
  { labels, lists, clusters }: Sample | (Grouping & { labels: number[] }),
): number {
  const grouping = clusters ?? (metric.perList ? (lists ?? labels.map(() => '')) : undefined)
  return grouping ? new Set(grouping).size : labels.length
}

/** The metric over drawn items, for resampling. */
export function drawn(metric: Metric, { labels, outputs, lists }: Sample): (items: Int32Array) => number {
  return (items) => {
    const members = Array.from(items)
    return metricOf(metric, {
      labels: pick(labels, members),
      outputs: outputs.map((output) => pick(output, members)),
      lists: lists && members.map((item) => lists[item] ?? ''),
    })
  }
}

/** Values with the positions where they occur, in the order of the values. */
export function groupsOf(values: readonly string[]): [string, number[]][] {
  const members = new Map<string, number[]>()
  values.forEach((value, index) => {
    const list = members.get(value)
    if (list) list.push(index)
    else members.set(value, [index])
  })
  return [...members].sort(([a], [b]) => (a < b ? -1 : 1))
}

export function pick(values: readonly number[], indexes: readonly number[]): number[] {
  return indexes.map((index) => values[index] ?? Number.NaN)
}
