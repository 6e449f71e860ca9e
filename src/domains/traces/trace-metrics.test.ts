import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import type { Context } from '../../core/context.ts'
import * as traces from './traces.ts'

const begun = Date.parse('2026-01-01T00:00:00Z')

async function logged(ctx: Context, durations: number[]): Promise<void> {
  const spans = durations.map((took, n) => {
    const at = BigInt(begun + n * 60_000) * 1_000_000n
    return {
      traceId: n.toString(16).padStart(32, '0'),
      spanId: 'root',
      name: n % 2 === 0 ? 'even' : 'odd',
      startTimeUnixNano: String(at),
      endTimeUnixNano: String(at + BigInt(took) * 1_000_000n),
    }
  })
  await traces.logSpans(ctx, { experiment: '0', spans })
}

const query = {
  experiments: [0],
  conditions: [],
  from: undefined,
  to: undefined,
  equal: [],
  dimensions: [],
  bucketSeconds: undefined,
}

test('counts, means and percentiles of latency are those of the traces, percentiles between two values in proportion', async (t) => {
  const ctx = await testContext(t)
  await logged(ctx, [100, 200, 300, 400])
  const [all] = await traces.traceMetrics(ctx, {
    ...query,
    view: 'TRACES',
    metric: 'latency',
    aggregations: [
      { type: 'COUNT', percentile: undefined },
      { type: 'AVG', percentile: undefined },
      { type: 'PERCENTILE', percentile: 50 },
      { type: 'MAX', percentile: undefined },
    ],
  })
  assert.deepEqual(all?.values, { COUNT: 4, AVG: 250, 'P50.0': 250, MAX: 400 })
})

test('a bucket of time holds what began in it', async (t) => {
  const ctx = await testContext(t)
  await logged(ctx, [1, 2, 3])
  const points = await traces.traceMetrics(ctx, {
    ...query,
    view: 'TRACES',
    metric: 'trace_count',
    bucketSeconds: 120,
    aggregations: [{ type: 'SUM', percentile: undefined }],
  })
  assert.deepEqual(
    points.map(({ dimensions, values }) => [dimensions['time_bucket'], values['SUM']]),
    [
      ['2026-01-01T00:00:00.000Z', 2],
      ['2026-01-01T00:02:00.000Z', 1],
    ],
  )
})

test('a metric that there is not is refused with those that there are', async (t) => {
  const ctx = await testContext(t)
  const wrong = traces.traceMetrics(ctx, { ...query, view: 'SPANS', metric: 'tokens', aggregations: [] })
  await assert.rejects(wrong, (error: { code: string; hint: string }) => {
    assert.match(error.hint, /span_count, latency/)
    return error.code === 'invalid_input'
  })
})
