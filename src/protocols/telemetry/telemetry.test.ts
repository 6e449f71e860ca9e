import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { model } from '../../../test/support/trips.ts'
import { begin, release } from '../../domains/monitoring/monitoring.fixture.ts'
import { metricsOf, tracesOf } from './otlp-json.ts'
import { telemetrySettings } from './settings.ts'
import { traceContext } from './trace-context.ts'

type Call = { path: string; authorization: string; body: Record<string, unknown> }

/** A collector of the test's own; the first answer can be "later". */
async function collector(
  t: TestContext,
  firstStatus = 200,
): Promise<{ url: string; calls: Call[]; heard(path: string): Promise<Call> }> {
  const calls: Call[] = []
  let next = Promise.withResolvers<void>()
  let status = firstStatus
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.statusCode = status
      response.end('{"partialSuccess":{}}')
      if (status === 200)
        calls.push({
          path: request.url ?? '',
          authorization: String(request.headers['x-key']),
          body: JSON.parse(Buffer.concat(chunks).toString()),
        })
      status = 200
      next.resolve()
      next = Promise.withResolvers<void>()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  const heard = async (path: string) => {
    for (;;) {
      const call = calls.find((one) => one.path === path)
      if (call) return call
      await next.promise
    }
  }
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, calls, heard }
}

function environment(t: TestContext, values: Record<string, string>): void {
  Object.assign(process.env, values)
  t.after(() => {
    for (const name of Object.keys(values)) delete process.env[name]
  })
}

test("a prediction becomes a span of the caller's trace with its id and release, and metrics go the same way", async (t) => {
  const { url, heard } = await collector(t, 503)
  environment(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=s%20e',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_METRIC_EXPORT_INTERVAL: '100',
  })
  const { url: server } = await begin(t)
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const reply = await fetch(`${server}/api/v1/predict/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent },
    body: JSON.stringify({ id: 'mine', inputs: { city: 'Bonn', good: 0.5, wrong: 0.5 } }),
  })
  assert.equal(reply.status, 200)
  const traces = await heard('/v1/traces')
  assert.equal(traces.authorization, 's e')
  const [resource] = traces.body['resourceSpans'] as { scopeSpans: { spans: Record<string, unknown>[] }[] }[]
  const span = resource?.scopeSpans[0]?.spans[0]
  assert.deepEqual(
    [span?.['traceId'], span?.['parentSpanId'], span?.['kind']],
    ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', 2],
  )
  assert.match(String(span?.['spanId']), /^[0-9a-f]{16}$/)
  assert.match(String(span?.['startTimeUnixNano']), /^\d{19}$/)
  const attributes = new Map(
    ((span?.['attributes'] ?? []) as { key: string; value: Record<string, unknown> }[]).map(({ key, value }) => [
      key,
      Object.values(value)[0],
    ]),
  )
  assert.deepEqual(
    ['keel.prediction.id', 'keel.release', 'keel.endpoint', 'http.response.status_code'].map((name) =>
      attributes.get(name),
    ),
    ['mine', release, model, '200'],
  )
  const metrics = await heard('/v1/metrics')
  const [first] = metrics.body['resourceMetrics'] as { scopeMetrics: { metrics: { name: string }[] }[] }[]
  assert.ok(first?.scopeMetrics[0]?.metrics.some(({ name }) => name === 'keel_predictions_total'))
})

test('a collector that is away costs nobody an answer', async (t) => {
  environment(t, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_BSP_SCHEDULE_DELAY: '100' })
  const { client } = await begin(t)
  for (let index = 0; index < 20; index++)
    await client.serving.predict({ endpoint: model, inputs: { city: 'Bonn', good: 0.5, wrong: 0.5 } })
})

test('a trace that the caller sent is continued and its choice kept; a broken header begins a new one', () => {
  const follow = { ratio: 1, followsParent: true }
  const sent = traceContext('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', follow)
  assert.deepEqual(
    [sent.traceId, sent.parentId, sent.sampled],
    ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', false],
  )
  for (const broken of [
    '',
    'x',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    undefined,
  ]) {
    const fresh = traceContext(broken, follow)
    assert.match(fresh.traceId, /^[0-9a-f]{32}$/)
    assert.deepEqual([fresh.parentId, fresh.sampled], [undefined, true])
  }
  const chosen = Array.from(
    { length: 400 },
    () => traceContext(undefined, { ratio: 0.25, followsParent: true }).sampled,
  )
  const share = chosen.filter(Boolean).length / 400
  assert.ok(share > 0.15 && share < 0.35)
})

test('settings follow the standard variables', () => {
  assert.equal(telemetrySettings({}).traces, undefined)
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }
  assert.equal(telemetrySettings(base).traces, 'http://collector:4318/v1/traces')
  assert.equal(telemetrySettings({ ...base, OTEL_SDK_DISABLED: 'true' }).metrics, undefined)
  assert.equal(telemetrySettings({ ...base, OTEL_METRICS_EXPORTER: 'none' }).metrics, undefined)
  assert.equal(telemetrySettings({ ...base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/x' }).traces, 'http://t/x')
  const sampled = telemetrySettings({ ...base, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' })
  assert.deepEqual([sampled.ratio, sampled.followsParent], [0.1, false])
  assert.deepEqual(telemetrySettings({ ...base, OTEL_SERVICE_NAME: 'x', OTEL_RESOURCE_ATTRIBUTES: 'a=1' }).resource, {
    'service.name': 'x',
    a: '1',
  })
})

test('counts up to each bound become counts between them', () => {
  const values = [
    { value: 1, labels: { le: 0.1 }, metricName: 'd_bucket' },
    { value: 4, labels: { le: 1 }, metricName: 'd_bucket' },
    { value: 5, labels: { le: '+Inf' }, metricName: 'd_bucket' },
    { value: 7.5, labels: {}, metricName: 'd_sum' },
    { value: 5, labels: {}, metricName: 'd_count' },
  ]
  const made = metricsOf([{ name: 'd', help: '', type: 'histogram', values }], {}, 1n, 2n)
  const text = JSON.stringify(made)
  assert.match(text, /"bucketCounts":\["1","3","1"\]/)
  assert.match(text, /"explicitBounds":\[0.1,1\]/)
  assert.match(JSON.stringify(tracesOf([], { 'service.name': 'x' })), /"stringValue":"x"/)
})
