import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { begin, bot } from '../../src/protocols/openai/openai.fixture.ts'
import { until } from '../support/until.ts'

const release = `${bot}.r1`

test('metrics tell tokens, cost and how soon streams began, by release', async (t) => {
  const { chat, url } = await begin(t)
  await (await chat('one two three', { user: 'ana' })).text()
  await (await chat('one two three', { stream: true, user: 'ben' })).text()
  const metrics = await (await fetch(`${url}/metrics`)).text()
  for (const line of [
    `keel_llm_tokens_total{release="${release}",kind="input"} 24`,
    `keel_llm_tokens_total{release="${release}",kind="output"} 6`,
    `keel_llm_first_token_seconds_bucket{release="${release}",le="+Inf"} 1`,
    `keel_llm_first_token_seconds_count{release="${release}"} 1`,
  ])
    assert.ok(metrics.includes(line), `${line} is not in\n${metrics}`)
  const cost = new RegExp(`keel_llm_cost_total\\{release="${release}"\\} (.+)`).exec(metrics)?.[1]
  assert.ok(Math.abs(Number(cost) - 2 * (12 * 0.001 + 3 * 0.01)) < 1e-9, cost)
  assert.ok(!/ana|ben/.test(metrics))
})

type Attributes = Map<string, unknown>

/** A collector of the test's own, that hears a span for each request. */
async function collector(t: TestContext): Promise<(count: number) => Promise<Attributes[]>> {
  const spans: Attributes[] = []
  let more = Promise.withResolvers<void>()
  type Attribute = { key: string; value: Record<string, unknown> }
  type ExportedSpans = { resourceSpans: { scopeSpans: { spans: { attributes: Attribute[] }[] }[] }[] }
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as ExportedSpans
    for (const { attributes } of resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
      spans.push(new Map(attributes.map(({ key, value }) => [key, Object.values(value)[0]])))
    reply.end('{}')
    more.resolve()
    more = Promise.withResolvers()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v1/traces`
  Object.assign(process.env, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: '100' })
  t.after(() => {
    delete process.env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
    delete process.env['OTEL_BSP_SCHEDULE_DELAY']
    server.closeAllConnections()
    server.close()
  })
  return async (count) => {
    while (spans.length < count) await more.promise
    return spans
  }
}

test('a span says which endpoint, release and prediction, and the tokens of a stream whose caller did not ask for them', async (t) => {
  const heard = await collector(t)
  const { chat, post } = await begin(t)
  const ids: (string | null)[] = []
  for (const asked of [chat('one two'), chat('one two', { stream: true }), post('/embeddings', { input: 'x' })]) {
    const reply = await asked
    ids.push(reply.headers.get('x-keel-prediction-id'))
    await reply.text()
  }
  const spans = await heard(3)
  for (const [operation, counted] of Object.entries({ chat: ['12', '3'], embeddings: ['2', '0'] })) {
    const own = spans.filter((span) => span.get('gen_ai.operation.name') === operation)
    assert.ok(own.length > 0)
    for (const span of own) {
      const names = ['gen_ai.request.model', 'keel.endpoint', 'keel.release']
      assert.deepEqual(
        names.map((name) => span.get(name)),
        [bot, bot, release],
      )
      assert.deepEqual(
        [span.get('gen_ai.usage.input_tokens'), span.get('gen_ai.usage.output_tokens')].map(String),
        counted,
      )
      assert.ok(ids.includes(String(span.get('keel.prediction.id'))))
    }
  }
  const begun = spans.filter((span) => span.has('keel.first_token_seconds'))
  assert.equal(begun.length, 1, 'only the stream has a first token')
})

test('a call that was never made costs nothing; one that was given up may have cost all that was kept for it', async (t) => {
  const limits = { timeout: '200ms', concurrency: 1, queue: 0, cost: { per_day: 100 } }
  const { chat, client, llm } = await begin(t, { serves: { limits } })
  const spent = async () => (await client.serving.getEndpoint({ endpoint: bot })).spentToday
  const predict = (question: string) =>
    client.serving.predict({ endpoint: bot, inputs: { question } }).then(
      () => 'answered',
      () => 'failed',
    )
  assert.equal((await chat('BROKEN', { max_tokens: 100 })).status, 502)
  assert.equal(await spent(), 0, 'a provider asks nothing for an error')
  const hanging = chat('HANG', { max_tokens: 100 })
  await until(() => llm.asked.length === 2, 'the second question at the provider', { every: 1 })
  assert.equal((await chat('full', { max_tokens: 100 })).status, 429)
  assert.equal(await predict('full'), 'failed')
  assert.equal(await spent(), 0, 'there was no room: nothing was asked')
  assert.equal((await hanging).status, 504)
  assert.ok((await spent()) >= 100 * 0.01, `${await spent()}`)
  await llm.close()
  // The first may still find a connection that is only about to end.
  await chat('hello', { max_tokens: 100 })
  const before = await spent()
  assert.ok((await chat('hello', { max_tokens: 100 })).status >= 500)
  assert.equal(await spent(), before, 'nobody was there to be asked')
})

test('a stream that is cut off before its usage is told is counted as all that was kept for it', async (t) => {
  const { chat, client } = await begin(t, { serves: { limits: { cost: { per_day: 100 } } } })
  await (await chat('CUT me off', { stream: true, max_tokens: 100 })).text()
  const { spentToday } = await client.serving.getEndpoint({ endpoint: bot })
  assert.ok(spentToday >= 100 * 0.01, `${spentToday}`)
})
