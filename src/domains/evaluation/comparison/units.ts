import type { MetricDefinition } from '../../../core/stats/metrics.ts'
import { mean } from '../../../core/stats/summary.ts'

export type Metric = MetricDefinition & { name: string }

/** The columns by which items belong together. */
export type Grouping = {
  /** Items of one list are ranked among each other. */
  lists?: readonly string[] | undefined
  /** Items of one user or document: only these are independent of each other. */
  clusters?: readonly string[] | undefined
}

/** Answers of one side: a list of outputs for each repeat. */
export type Sample = Grouping & { labels: number[]; outputs: number[][] }

/** The values whose mean is the metric, one for each item or list; undefined for a metric that is not a mean. */
export function partsOf({ perItem, perList, value }: Metric, { labels, outputs, lists }: Sample): number[] | undefined {
  if (perItem) {
    return labels.map((label, index) => mean(outputs.map((output) => perItem(label, output[index] ?? Number.NaN))))
  }
  if (!perList) return undefined
  return groupsOf(lists ?? labels.map(() => '')).map(([, members]) =>
    mean(outputs.map((output) => value(pick(labels, members), pick(output, members)))),
  )
}

/** The metric over all items; with several repeats, the mean over the repeats. */
export function metricOf(metric: Metric, sample: Sample): number {
  if (metric.perList) return mean(partsOf(metric, sample) ?? [])
  return mean(sample.outputs.map((output) => metric.value(sample.labels, output)))
}

/** The cluster of each value that `partsOf` gives. */
export function clustersOf({ perList }: Metric, { lists, clusters }: Grouping): readonly string[] | undefined {
  if (!perList || !clusters || !lists) return clusters
  return groupsOf(lists).map(([, members]) => clusters[members[0] ?? 0] ?? '')
}

/** The number of independent observations: clusters, lists or items. */
export function unitsOf(
  metric: Metric,
  { labels, lists, clusters }: Sample | (Grouping & { labels: number[] }),
): number {
  const grouping = clusters ?? (metric.perList ? (lists ?? labels.map(() => '')) : undefined)
  return grouping ? new Set(grouping).size : labels.length
}

/** The metric as a function of the items drawn in resampling. */
export function metricOnDraw(metric: Metric, { labels, outputs, lists }: Sample): (items: Int32Array) => number {
  return (items) =>
    metricOf(metric, {
      labels: pick(labels, items),
      outputs: outputs.map((output) => pick(output, items)),
      lists: lists && Array.from(items, (item) => lists[item] ?? ''),
    })
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

export function pick(values: readonly number[], indexes: ArrayLike<number>): number[] {
  const picked = new Array<number>(indexes.length)
  for (let at = 0; at < indexes.length; at++) picked[at] = values[indexes[at] ?? -1] ?? Number.NaN
  return picked
}
