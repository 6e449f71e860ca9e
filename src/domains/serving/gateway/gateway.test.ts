import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { rawJson } from '../../../../test/support/raw-http.ts'
import { misdeeds, type Scorer, startScorer } from '../../../../test/support/scorer.ts'
import { serveRemote } from '../../../../test/support/served.ts'
import { model, spec } from '../../../../test/support/trips.ts'
import type { ProblemError } from '../../../client/client.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../serving.ts'

async function scorer(t: TestContext): Promise<Scorer> {
  const started = await startScorer()
  t.after(() => started.close())
  return started
}

const problem = (code: string) => (error: ProblemError) => {
  assert.equal(error.problem.code, code)
  return true
}

for (const protocol of ['oip', 'mlflow', 'kserve-v1'] as const) {
  test(`an endpoint is answered by something elsewhere that speaks ${protocol}`, async (t) => {
    const { url, asked } = await scorer(t)
    const { ask } = await serveRemote(t, { serves: { upstream: { urls: [url], protocol, model: 'trips-{version}' } } })
    assert.equal((await ask(0.25)).output, 0.25)
    const path = { oip: '/v2/models/trips-1/infer', mlflow: '/invocations', 'kserve-v1': '/v1/models/trips-1:predict' }
    assert.equal(asked[0]?.path, path[protocol])
    const left = Number(asked[0]?.headers['x-deadline-ms'])
    assert.ok(left > 0 && left <= 10_000, `the deadline is passed on: ${left}`)
  })
}

test('what an upstream does wrong is 502 or 504 and never what it said; with a release to fall back to, nobody notices', async (t) => {
  const { url } = await scorer(t)
  const serves = { upstream: { urls: [url], protocol: 'oip' as const }, limits: { timeout: '300ms' } }
  const alone = await serveRemote(t, { serves })
  for (const [misdeed, good] of Object.entries(misdeeds).filter(([name]) => name !== 'die')) {
    const reply = await rawJson(alone.url, `/api/v1/predict/${model}`, { inputs: { good } })
    assert.ok([502, 503, 504].includes(reply.status), `${misdeed}: ${reply.status} ${reply.text}`)
    assert.doesNotMatch(reply.text, /secret-of-the-upstream|html/)
  }
  const behind = await serveRemote(t, { serves, baseline: 0.5 })
  for (const good of [misdeeds.garbage, misdeeds.fail, misdeeds.short]) {
    assert.deepEqual(await behind.ask(good).then(({ output, release }) => [output, release]), [0.5, `${model}.r0`])
  }
  const { stoodIn } = await behind.client.serving.getEndpoint({ endpoint: model })
  assert.equal(stoodIn, 3)
})

test('an instance that fails is ejected and the others answer; a probe lets it back in', async (t) => {
  const [good, other] = [await scorer(t), await scorer(t)]
  const gone = await startScorer()
  await gone.close()
  const { ask, client } = await serveRemote(t, {
    serves: { upstream: { urls: [gone.url, good.url, other.url], protocol: 'mlflow' } },
  })
  for (let count = 0; count < 60; count++) assert.equal((await ask(0.5)).output, 0.5)
  const [version] = (await client.serving.getEndpoint({ endpoint: model })).versions
  const [ejected, ...rest] = version?.instances ?? []
  assert.ok(ejected && ejected.ejections > 0, JSON.stringify(version))
  assert.ok(rest.every(({ ejections }) => ejections === 0))
  const back = await startScorer(Number(new URL(gone.url).port))
  t.after(() => back.close())
  while (back.asked.length < 5) await ask(0.5)
  const now = (await client.serving.getEndpoint({ endpoint: model })).versions[0]?.instances?.[0]
  assert.equal(now?.state, 'closed')
})

test('an upstream that answers nothing any more is left alone for a while, and the refusal says for how long', async (t) => {
  const gone = await startScorer()
  await gone.close()
  const { ask, url } = await serveRemote(t, { serves: { upstream: { urls: [gone.url], protocol: 'oip' } } })
  for (let count = 0; count < 6; count++) await assert.rejects(ask(0.5))
  const reply = await rawJson(url, `/api/v1/predict/${model}`, { inputs: { good: 0.5 } })
  assert.equal(reply.status, 503)
  assert.ok(Number(reply.headers['retry-after']) >= 1, String(reply.headers['retry-after']))
})

test('no more is asked at once than the spec allows; a few wait, and the rest hears 429 with Retry-After', async (t) => {
  const { url } = await scorer(t)
  const served = await serveRemote(t, {
    serves: {
      upstream: { urls: [url], protocol: 'oip' },
      limits: { concurrency: 2, queue: 1, timeout: '1s' },
    },
  })
  const replies = await Promise.all(
    Array.from({ length: 6 }, () =>
      rawJson(served.url, `/api/v1/predict/${model}`, { inputs: { good: misdeeds.hang } }),
    ),
  )
  const statuses = replies.map(({ status }) => status).sort()
  assert.deepEqual(statuses, [429, 429, 429, 504, 504, 504])
  assert.ok(replies.filter(({ status }) => status === 429).every(({ headers }) => Number(headers['retry-after']) >= 1))
  const [version] = (await served.client.serving.getEndpoint({ endpoint: model })).versions
  assert.deepEqual([version?.refused, version?.running, version?.waiting], [3, 0, 0])
})

test('new limits and another log count from the next request on; what the version runs on stays', async (t) => {
  const { url } = await scorer(t)
  const upstream = { urls: [url], protocol: 'oip' as const }
  const limits = { concurrency: 2, queue: 1, timeout: '300ms' }
  const { app, client, ...served } = await serveRemote(t, { serves: { upstream, limits } })
  const hanging = async () => {
    const inputs = { good: misdeeds.hang }
    const replies = Array.from({ length: 6 }, () => rawJson(served.url, `/api/v1/predict/${model}`, { inputs }))
    return (await Promise.all(replies)).map(({ status }) => status).sort()
  }
  assert.deepEqual(await hanging(), [429, 429, 429, 504, 504, 504])
  const changed = { limits: { ...limits, concurrency: 6 }, log: { omit: ['good'] } }
  const elsewhere = { urls: ['http://127.0.0.1:1'], protocol: 'oip' as const }
  const output = 'regression' as const
  await registry.applySpec(app.ctx, { ...spec, serves: { output, upstream: elsewhere, ...changed } })
  await app.worker.drain()
  const answer = await client.serving.predict({ endpoint: model, id: 'after', inputs: { good: 0.25 } })
  assert.equal(answer.output, 0.25)
  await serving.flushLog(app.ctx)
  assert.deepEqual((await client.serving.getPrediction({ prediction: 'after' })).inputs, {})
  assert.deepEqual(await hanging(), [504, 504, 504, 504, 504, 504])
})

test("the caller's own deadline ends the call before the endpoint's does", async (t) => {
  const { url, asked } = await scorer(t)
  const served = await serveRemote(t, { serves: { upstream: { urls: [url], protocol: 'oip' } } })
  const call = (deadline: string, good: number) =>
    fetch(`${served.url}/api/v1/predict/${model}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-deadline-ms': deadline },
      body: JSON.stringify({ inputs: { good } }),
    })
  assert.equal((await call('200', misdeeds.hang)).status, 504)
  assert.ok(Number(asked[0]?.headers['x-deadline-ms']) <= 200)
  assert.equal((await call('5000', 0.5)).status, 200)
  for (const wrong of ['0', '-1', 'soon', '1.5']) assert.equal((await call(wrong, 0.5)).status, 400, wrong)
})

test('a key goes only to hosts that the server lists, and into no error', async (t) => {
  const { url, asked } = await scorer(t)
  process.env['TRIPS_KEY'] = 'hush-hush'
  t.after(() => delete process.env['TRIPS_KEY'])
  const upstream = { urls: [url], protocol: 'oip' as const, key: 'TRIPS_KEY' }
  const { ask } = await serveRemote(t, { serves: { upstream } })
  await ask(0.5)
  assert.equal(asked[0]?.headers['authorization'], 'Bearer hush-hush')
  await assert.rejects(serveRemote(t, { serves: { upstream }, settings: { egress: '' } }), (error: Error) => {
    assert.doesNotMatch(error.message, /hush/)
    return true
  })
})

test('values outside the signature are refused by name before anything is asked', async (t) => {
  const { url, asked } = await scorer(t)
  const { ask } = await serveRemote(t, { serves: { upstream: { urls: [url], protocol: 'oip' } } })
  await assert.rejects(ask(-2), (error: ProblemError) => /"good" must be at least -1/.test(error.problem.detail))
  await assert.rejects(ask(1_001), problem('invalid_input'))
  assert.equal(asked.length, 0)
})

test('rows of several requests are gathered into one call, and one bad row spoils no other', async (t) => {
  const { url, asked } = await scorer(t)
  const { ask } = await serveRemote(t, {
    serves: { upstream: { urls: [url], protocol: 'oip' }, batch: { size: 8, wait: '50ms' }, limits: { timeout: '5s' } },
    baseline: 0.5,
  })
  const values = Array.from({ length: 16 }, (_, index) => index / 100)
  const answers = await Promise.all(values.map(ask))
  assert.deepEqual(
    answers.map(({ output }) => output),
    values,
  )
  assert.ok(asked.length < values.length, `${asked.length} calls`)
  const mixed = await Promise.all([misdeeds.fail, 0.1, 0.2].map(ask))
  assert.deepEqual(
    mixed.map(({ output }) => output),
    [0.5, 0.1, 0.2],
  )
})
