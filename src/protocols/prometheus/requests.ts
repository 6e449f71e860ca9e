import type { FastifyInstance } from 'fastify'
import { Histogram, Registry } from 'prom-client'
import { type Context, liveValue } from '../../core/context.ts'

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Durations of requests by route pattern and status class: both are bounded, whatever callers send. */
export function requestDurations(ctx: Context) {
  return liveValue(ctx, 'prometheus.requests', () => {
    const registry = new Registry()
    const durations = new Histogram({
      name: 'keel_http_request_duration_seconds',
      help: 'Time to answer, by route and class of status',
      labelNames: ['route', 'method', 'status'],
      buckets: seconds,
      registers: [registry],
    })
    return { registry, durations }
  })
}

/** Measures every request of the server. */
export function measureRequests(server: FastifyInstance, ctx: Context): void {
  const { durations } = requestDurations(ctx)
  server.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none')
    const status = `${Math.floor(reply.statusCode / 100)}xx`
    durations.observe({ route, method: request.method, status }, reply.elapsedTime / 1000)
  })
}
