import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readEnvironment } from '../../core/config.ts'
import type { Context } from '../../core/context.ts'
import { createExporter } from './exporter.ts'
import { metricsOf, type PrometheusMetric, type Span, tracesOf } from './otlp-json.ts'
import { answerAttributes, isPrediction } from './prediction-attributes.ts'
import { telemetrySettings } from './settings.ts'
import { type TraceContext, traceContext } from './trace-context.ts'

declare module 'fastify' {
  interface FastifyRequest {
    trace: {
      context: TraceContext
      start: bigint
      attributes: Record<string, string | number | boolean>
      /** Read when the last byte is out, for what is not known before. */
      atEnd?: () => Record<string, string | number | boolean>
    } | null
  }
}

const capacity = 4_096
const batch = 512

/**
 * Traces of predictions and all metrics to an OpenTelemetry collector, as the OTEL_* variables say. Requests never wait:
 * spans go into a bounded buffer, and what does not fit is dropped and counted.
 */
export async function exportTelemetry(server: FastifyInstance, ctx: Context): Promise<void> {
  const settings = telemetrySettings(readEnvironment())
  if (settings.traces === undefined && settings.metrics === undefined) return
  const exporter = await createExporter(ctx, settings)
  const began = nanoseconds()
  const waiting: Span[] = []
  let sending: Promise<void> = Promise.resolve()

  function flush(): Promise<void> {
    const url = settings.traces
    sending = sending.then(async () => {
      while (url !== undefined && waiting.length > 0) {
        const spans = waiting.splice(0, batch)
        await exporter.send(url, tracesOf(spans, settings.resource), spans.length)
      }
    })
    return sending
  }

  async function pushMetrics(): Promise<void> {
    if (settings.metrics === undefined) return
    const { collect } = await import('../prometheus/metrics.ts')
    const metrics = (await (await collect(ctx)).getMetricsAsJSON()) as unknown as PrometheusMetric[]
    const plain = metrics.map((metric) => ({ ...metric, type: String(metric.type) }))
    await exporter.send(settings.metrics, metricsOf(plain, settings.resource, began, nanoseconds()), 1)
  }

  if (settings.traces !== undefined)
    traceRequests(server, settings, (span) => {
      if (waiting.length >= capacity) exporter.state.dropped += 1
      else waiting.push(span)
    })
  const failed = (error: unknown) => ctx.log.error({ err: error }, 'telemetry failed')
  const timers = [
    setInterval(() => void flush().catch(failed), settings.tracesEvery),
    setInterval(() => void pushMetrics().catch(failed), settings.metricsEvery),
  ]
  for (const timer of timers) timer.unref()
  server.addHook('onClose', async () => {
    for (const timer of timers) clearInterval(timer)
    exporter.stop()
    await flush()
    await exporter.close()
  })
}

function traceRequests(
  server: FastifyInstance,
  settings: { ratio: number; followsParent: boolean },
  take: (span: Span) => void,
): void {
  server.decorateRequest('trace', null)
  server.addHook('onRequest', async (request) => {
    if (!isPrediction(request)) return
    const context = traceContext(request.headers['traceparent'], settings)
    request.ctx = { ...request.ctx, traceId: context.traceId }
    if (context.sampled) request.trace = { context, start: nanoseconds(), attributes: {} }
  })
  server.addHook('onSend', async (request, reply, payload) => {
    if (request.trace) Object.assign(request.trace.attributes, answerAttributes(request, reply, payload))
    return payload
  })
  server.addHook('onResponse', async (request, reply) => {
    const span = spanOf(request, reply)
    if (span) take(span)
  })
}

function spanOf(request: FastifyRequest, reply: FastifyReply): Span | undefined {
  const { trace } = request
  if (!trace) return undefined
  const route = request.routeOptions.url ?? ''
  return {
    ...trace.context,
    name: `${request.method} ${route}`,
    start: trace.start,
    end: nanoseconds(),
    failed: reply.statusCode >= 500,
    attributes: {
      'http.request.method': request.method,
      'http.route': route,
      'http.response.status_code': reply.statusCode,
      ...trace.attributes,
      ...trace.atEnd?.(),
    },
  }
}

function nanoseconds(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n
}
