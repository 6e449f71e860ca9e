import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model } from '../../../test/support/trips.ts'
import { begin, release } from '../../domains/monitoring/monitoring.fixture.ts'

test('metrics tell answers, windows, alerts and durations, with labels that callers cannot multiply', async (t) => {
  const { url, live, settleWindows } = await begin(t)
  await live(1, { late: () => 0 })
  await settleWindows()
  for (let index = 0; index < 30; index++) await fetch(`${url}/nowhere/${index}`)
  const reply = await fetch(`${url}/metrics`)
  assert.match(reply.headers.get('content-type') ?? '', /text\/plain; version=0\.0\.4/)
  const text = await reply.text()
  for (const line of [
    `keel_predictions_total{release="${release}"} 240`,
    `keel_live_release{model="${model}",release="${release}"} 1`,
    `keel_window_requests{model="${model}"} 240`,
    `keel_alerts_firing{model="${model}",signal="bias",severity="page"} 1`,
    'keel_http_request_duration_seconds_count{route="/*",method="GET",status="2xx"} 30',
  ])
    assert.ok(text.includes(line), `${line} is not in\n${text.slice(0, 3000)}`)
  assert.match(text, new RegExp(`keel_window_bias{model="${model}"} 0\\.[45]`))
  assert.ok(!text.includes('nowhere'))
})
