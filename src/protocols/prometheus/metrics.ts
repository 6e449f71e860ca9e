import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Registry } from 'prom-client'
import * as serving from '../../domains/serving/serving.ts'

/** `GET /metrics` in the Prometheus text format. Labels are bounded: release and kind of outcome, never a user. */
export function prometheusMetrics(server: FastifyInstance): void {
  server.get('/metrics', { config: { role: 'viewer', cause: 'prometheus' } }, async (request, reply) => {
    const registry = new Registry()
    const requests = new Counter({
      name: 'keel_predictions_total',
      help: 'Answers given',
      labelNames: ['release'],
      registers: [registry],
    })
    const bad = new Counter({
      name: 'keel_bad_answers_total',
      help: 'Answers that failed, were slow or invalid',
      labelNames: ['release', 'kind'],
      registers: [registry],
    })
    const dropped = new Gauge({
      name: 'keel_prediction_log_dropped',
      help: 'Log records lost because the buffer was full',
      registers: [registry],
    })
    for (const [release, counts] of serving.counters(request.ctx)) {
      requests.inc({ release }, counts.requests)
      for (const [kind, count] of Object.entries(counts.bad)) bad.inc({ release, kind }, count)
    }
    dropped.set(serving.droppedRecords(request.ctx))
    return reply.type(registry.contentType).send(await registry.metrics())
  })
}
