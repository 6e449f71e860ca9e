import type { FastifyInstance } from 'fastify'

/** `GET /metrics` in the Prometheus text format. Labels are bounded: release and kind of outcome, never a user. */
export function prometheusMetrics(server: FastifyInstance): void {
  server.get('/metrics', { config: { role: 'viewer', cause: 'prometheus' } }, async (request, reply) => {
    const { collect } = await import('./metrics.ts')
    const registry = await collect(request.ctx)
    return reply.type(registry.contentType).send(await registry.metrics())
  })
}
