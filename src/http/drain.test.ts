import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { rawJson } from '../../test/support/raw-http.ts'
import { misdeeds, startScorer } from '../../test/support/scorer.ts'
import { serveRemote } from '../../test/support/served.ts'
import { model } from '../../test/support/trips.ts'
import { until } from '../../test/support/until.ts'

async function scorer(t: TestContext) {
  const started = await startScorer()
  t.after(() => started.close())
  return started
}

test('a request that has begun is answered before the server ends; one that comes later is refused', async (t) => {
  const { url, asked } = await scorer(t)
  const limits = { timeout: '1s' }
  const served = await serveRemote(t, { serves: { upstream: { urls: [url], protocol: 'oip' }, limits }, baseline: 0.5 })
  const slow = rawJson(served.url, `/api/v1/predict/${model}`, { inputs: { good: misdeeds.fail } })
  const hanging = rawJson(served.url, `/api/v1/predict/${model}`, { inputs: { good: misdeeds.hang } })
  await until(() => asked.length === 2, 'both requests at the scorer')
  const closed = served.app.close()
  assert.equal((await slow).status, 200)
  assert.equal((await hanging).status, 200, 'the baseline stands in for what hangs')
  await closed
  await assert.rejects(rawJson(served.url, `/api/v1/predict/${model}`, { inputs: { good: 0.5 } }))
})
