import { version } from '../../version.ts'

type Attributes = Record<string, string | number | boolean>

export type Span = {
  traceId: string
  spanId: string
  parentId: string | undefined
  name: string
  /** Epoch nanoseconds. */
  start: bigint
  end: bigint
  failed: boolean
  attributes: Attributes
}

const scope = { name: 'evenkeel', version }
const serverKind = 2
const statusError = 2

/** OTLP as JSON: names in camel case, identifiers in hex, 64-bit integers as text, enumerations as numbers. */
export function tracesOf(spans: readonly Span[], resource: Attributes): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [
          {
            scope,
            spans: spans.map(({ traceId, spanId, parentId, name, start, end, failed, attributes }) => ({
              traceId,
              spanId,
              ...(parentId === undefined ? {} : { parentSpanId: parentId }),
              name,
              kind: serverKind,
              startTimeUnixNano: String(start),
              endTimeUnixNano: String(end),
              attributes: attributesOf(attributes),
              status: failed ? { code: statusError } : {},
            })),
          },
        ],
      },
    ],
  }
}

function attributesOf(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValueOf(value) }))
}

function anyValueOf(value: string | number | boolean): object {
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'string') return { stringValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** As the Prometheus client gives its metrics out. */
export type PrometheusMetric = {
  name: string
  help: string
  type: string
  values: { value: number; labels: Record<string, string | number>; metricName?: string }[]
}

const cumulative = 2

export function metricsOf(
  metrics: readonly PrometheusMetric[],
  resource: Attributes,
  start: bigint,
  now: bigint,
): object {
  const times = { startTimeUnixNano: String(start), timeUnixNano: String(now) }
  const converted = metrics.flatMap((metric): object[] => {
    const { name, help: description, type, values } = metric
    if (type === 'histogram')
      return [
        {
          name,
          description,
          histogram: { aggregationTemporality: cumulative, dataPoints: histogramPoints(metric, times) },
        },
      ]
    const dataPoints = values.map(({ value, labels }) => ({
      ...times,
      asDouble: value,
      attributes: attributesOf(labels),
    }))
    if (type === 'counter')
      return [{ name, description, sum: { aggregationTemporality: cumulative, isMonotonic: true, dataPoints } }]
    return type === 'gauge' ? [{ name, description, gauge: { dataPoints } }] : []
  })
  return {
    resourceMetrics: [
      { resource: { attributes: attributesOf(resource) }, scopeMetrics: [{ scope, metrics: converted }] },
    ],
  }
}

/** Prometheus counts up to each bound, OTLP between them. */
function histogramPoints({ name, values }: PrometheusMetric, times: object): object[] {
  const series = new Map<
    string,
    { labels: Record<string, string | number>; upTo: [number, number][]; sum: number; count: number }
  >()
  for (const { value, labels, metricName } of values) {
    const { le, ...own } = labels
    const key = JSON.stringify(own)
    const found = series.get(key) ?? { labels: own, upTo: [], sum: 0, count: 0 }
    series.set(key, found)
    if (metricName === `${name}_sum`) found.sum = value
    else if (metricName === `${name}_count`) found.count = value
    else if (le !== undefined && le !== '+Inf') found.upTo.push([Number(le), value])
  }
  return [...series.values()].map(({ labels, upTo, sum, count }) => {
    const sorted = upTo.sort(([a], [b]) => a - b)
    const between = sorted.map(([, value], index) => value - (sorted[index - 1]?.[1] ?? 0))
    return {
      ...times,
      count: String(count),
      sum,
      explicitBounds: sorted.map(([bound]) => bound),
      bucketCounts: [...between, count - (sorted.at(-1)?.[1] ?? 0)].map(String),
      attributes: attributesOf(labels),
    }
  })
}
