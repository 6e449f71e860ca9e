import type { FastifyInstance } from 'fastify'
import { type Context, liveValue } from '../../core/context.ts'

const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

type Labels = { route: string; method: string; status: string }
/** `within`: how many took at most as long as each bound, and longer than the one before. */
type Series = { labels: Labels; within: number[]; sum: number; count: number }

/** Durations of requests by route pattern and status class: both are bounded, whatever callers send. */
function durationsOf(ctx: Context): Map<string, Series> {
  return liveValue(ctx, 'prometheus.requests', () => new Map<string, Series>())
}

/** Measures every request of the server. Counts are kept here, so that no start waits for the Prometheus client. */
export function measureRequests(server: FastifyInstance, ctx: Context): void {
  const durations = durationsOf(ctx)
  server.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none')
    const labels = { route, method: request.method, status: `${Math.floor(reply.statusCode / 100)}xx` }
    observe(durations, labels, reply.elapsedTime / 1000)
  })
}

function observe(durations: Map<string, Series>, labels: Labels, seconds: number): void {
  const key = `${labels.method} ${labels.status} ${labels.route}`
  const series = durations.get(key) ?? { labels, within: bounds.map(() => 0), sum: 0, count: 0 }
  durations.set(key, series)
  series.sum += seconds
  series.count += 1
  const bucket = bounds.findIndex((bound) => seconds <= bound)
  if (bucket >= 0) series.within[bucket] = (series.within[bucket] ?? 0) + 1
}

/** The durations as a histogram of the Prometheus client. */
export function requestDurations(ctx: Context) {
  const name = 'keel_http_request_duration_seconds'
  const get = async () => ({
    name,
    help: 'Time to answer, by route and class of status',
    type: 'histogram',
    values: [...durationsOf(ctx).values()].flatMap((series) => valuesOf(name, series)),
    aggregator: 'sum',
  })
  return { name, get }
}

function valuesOf(name: string, { labels, within, sum, count }: Series) {
  const buckets = bounds.map((le, index) => ({
    metricName: `${name}_bucket`,
    labels: { le, ...labels },
    value: within.slice(0, index + 1).reduce((total, count) => total + count, 0),
  }))
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
