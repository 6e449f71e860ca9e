import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../test/support/until.ts'
import * as evaluation from '../../domains/evaluation/evaluation.ts'
import * as serving from '../../domains/serving/serving.ts'
import { begin, bot } from './openai.fixture.ts'

type Problem = { error: { message: string; type: string; code: string; param: string | null } }
const problem = async (reply: Response) => ((await reply.json()) as Problem).error

test('a chat is answered by the prompt of the live release, byte for byte as the provider said it, and paid for', async (t) => {
  const { chat, llm, logged } = await begin(t, { prompts: ['Answer briefly: {{question}}'] })
  const reply = await chat('Are you open on Sunday?', { temperature: 0, user: 'ana' })
  assert.equal(reply.status, 200)
  assert.equal(reply.headers.get('x-keel-release'), `${bot}.r1`)
  const body = (await reply.json()) as { choices: { message: { content: string } }[] }
  assert.equal(body.choices[0]?.message.content, 'Answer briefly: Are you open on Sunday?')
  assert.deepEqual(llm.asked[0]?.body, {
    messages: [{ role: 'user', content: 'Answer briefly: Are you open on Sunday?' }],
    model: 'tiny',
    temperature: 0,
  })
  const [row] = await logged()
  assert.equal(row?.id, reply.headers.get('x-keel-prediction-id'))
  assert.deepEqual([row?.unit, row?.tokens, row?.bad], ['ana', { input: 12, output: 3 }, null])
  assert.ok(Math.abs(Number(row?.cost) - (12 * 0.001 + 3 * 0.01)) < 1e-12)
})

test('variables come by "inputs", the one left over from the last user message, and a text without any goes first', async (t) => {
  const { chat, post, llm, client } = await begin(t, { prompts: ['As {{role}}: {{question}}'] })
  await chat('When?', { inputs: { role: 'a clerk' } })
  assert.deepEqual(llm.asked[0]?.body.messages, [{ role: 'user', content: 'As a clerk: When?' }])
  await post('/chat/completions', { inputs: { role: 'a clerk', question: 'Where?' } })
  assert.deepEqual(llm.asked[1]?.body.messages, [{ role: 'user', content: 'As a clerk: Where?' }])
  await chat('Go on', { inputs: { role: 'a clerk', question: 'Where?' } })
  assert.deepEqual(
    llm.asked[2]?.body.messages?.map(({ role }) => role),
    ['system', 'user'],
  )
  const missing = await chat('When?')
  assert.equal(missing.status, 400)
  assert.match((await problem(missing)).message, /reads "role" and "question"/)
  const answer = await client.serving.predict({ endpoint: bot, inputs: { role: 'a clerk', question: 'Why?' } })
  assert.equal(answer.output, 'As a clerk: Why?')
})

test('a stream is passed on as it comes; usage is counted, and shown only to who asked', async (t) => {
  const { chat, logged } = await begin(t)
  const plain = await (await chat('one two three', { stream: true })).text()
  assert.deepEqual(plain.split('\n\n').filter(Boolean).length, 4, plain)
  assert.ok(plain.endsWith('data: [DONE]\n\n') && !plain.includes('usage'))
  const asked = await (await chat('one two three', { stream: true, stream_options: { include_usage: true } })).text()
  assert.match(asked, /"usage":\{"prompt_tokens":12/)
  const rows = await logged()
  assert.deepEqual(
    rows.map(({ output, tokens, bad }) => [output, tokens, bad]),
    Array.from({ length: 2 }, () => ['one two three', { input: 12, output: 3 }, null]),
  )
  assert.ok(rows.every(({ firstTokenMs, latencyMs }) => firstTokenMs !== null && firstTokenMs <= latencyMs))
})

test("the provider's key goes to the provider, and into no answer, log, event or metric", async (t) => {
  const secret = 'sk-of-the-team-42'
  process.env['BOT_KEY'] = secret
  t.after(() => {
    delete process.env['BOT_KEY']
  })
  const { chat, llm, logged, client, url } = await begin(t, { key: 'BOT_KEY' })
  const answers = ['Hello', 'UNAUTHORIZED', 'BROKEN', 'DIE', 'GARBAGE', 'TOO LONG', 'BUSY'].map(async (words) => {
    const reply = await chat(words)
    return JSON.stringify([...reply.headers]) + (await reply.text())
  })
  const streamed = await (await chat('one two', { stream: true })).text()
  assert.ok(llm.asked.every(({ headers }) => headers.authorization === `Bearer ${secret}`))
  const seen = [
    ...(await Promise.all(answers)),
    streamed,
    JSON.stringify(await logged()),
    JSON.stringify(await client.system.events({ limit: 1_000 })),
    JSON.stringify(await client.registry.getModel({ model: bot })),
    JSON.stringify(await client.serving.getEndpoint({ endpoint: bot })),
    await (await fetch(`${url}/metrics`)).text(),
  ]
  assert.ok(seen.every((text) => text.length > 0 && !text.includes(secret)))
})

test('embeddings and completions are passed on, and models are listed as endpoints', async (t) => {
  const { post, url } = await begin(t)
  const embedded = (await (await post('/embeddings', { input: ['hello'] })).json()) as {
    data: { embedding: number[] }[]
  }
  assert.deepEqual(embedded.data[0]?.embedding, [0.1, 0.2])
  const completed = (await (await post('/completions', { prompt: 'Once' })).json()) as { choices: { text: string }[] }
  assert.equal(completed.choices[0]?.text, 'Once')
  const list = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] }
  assert.deepEqual(
    list.data.map(({ id }) => id),
    [bot],
  )
  assert.equal((await fetch(`${url}/v1/models/${bot}`)).status, 200)
  assert.equal((await fetch(`${url}/v1/models/nobody`)).status, 404)
})

test("a caller's mistake is told in OpenAI's form and never asked", async (t) => {
  const { post, url, llm } = await begin(t)
  const cases: [object, number][] = [
    [{ model: 5, messages: [] }, 400],
    [{ model: 'nobody', messages: [{ role: 'user', content: 'x' }] }, 404],
    [{}, 400],
    [{ messages: 'x' }, 400],
    [{ messages: [{ content: 'x' }] }, 400],
    [{ messages: [{ role: 'user', content: 'x' }], max_tokens: -1 }, 400],
    [{ messages: [{ role: 'user', content: 'x' }], n: 1e9 }, 400],
    [{ inputs: [1] }, 400],
  ]
  for (const [body, status] of cases) {
    const reply = await post('/chat/completions', body)
    assert.equal(reply.status, status, JSON.stringify(body))
    const { message, type } = await problem(reply)
    assert.ok(message.length > 0 && type.endsWith('_error'))
  }
  for (const body of ['', 'null', '[]', '{']) {
    const headers = { 'content-type': 'application/json' }
    assert.equal((await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body })).status, 400, body)
  }
  assert.equal(llm.asked.length, 0)
})

test("what the provider refuses for the caller's sake is passed on; everything else is 502, 503 or 504 without its words", async (t) => {
  const { chat } = await begin(t, { serves: { limits: { timeout: '500ms' } } })
  const long = await chat('TOO LONG')
  assert.deepEqual([long.status, (await problem(long)).code], [400, 'context_length_exceeded'])
  const statuses = { GARBAGE: 502, UNAUTHORIZED: 502, BROKEN: 502, BUSY: 503, DIE: 502, HANG: 504 }
  for (const [misdeed, status] of Object.entries(statuses)) {
    const reply = await chat(misdeed)
    const text = await reply.text()
    assert.equal(reply.status, status, `${misdeed}: ${text}`)
    assert.doesNotMatch(text, /secret-of-the-provider/)
    if (status === 503) assert.ok(Number(reply.headers.get('retry-after')) >= 1)
  }
})

test('a release that fails does not fail the caller: the one before it answers, and this is counted', async (t) => {
  const { chat, client } = await begin(t, { prompts: ['BROKEN {{question}}', 'Well: {{question}}'], warm: true })
  const reply = await chat('hello')
  assert.deepEqual([reply.status, reply.headers.get('x-keel-release')], [200, `${bot}.r2`])
  assert.equal((await client.serving.getEndpoint({ endpoint: bot })).stoodIn, 1)
})

test('a stream that breaks off, goes on for ever or falls silent ends with an error event', async (t) => {
  const { chat, logged } = await begin(t, { serves: { limits: { timeout: '100ms' } } })
  for (const misdeed of ['CUT me off', 'ENDLESS', 'SILENT now']) {
    const text = await (await chat(misdeed, { stream: true })).text()
    assert.match(text.slice(-300), /data: \{"error":\{"message":"\\"support-bot\.r1\\" stopped in the middle/, misdeed)
  }
  assert.deepEqual(
    (await logged()).map(({ bad }) => bad),
    ['error', 'error', 'error'],
  )
})

test('when the caller goes away the provider is not kept talking', async (t) => {
  const { chat, llm } = await begin(t)
  for (const [text, stream] of [
    ['SILENT now', true],
    ['HANG', false],
  ] as const) {
    const before = llm.gone()
    const controller = new AbortController()
    const asked = chat(text, { stream }, { signal: controller.signal }).catch(() => undefined)
    if (stream) await asked
    const arrived = () => llm.asked.some(({ body }) => body.messages?.at(-1)?.content === text)
    await until(arrived, `"${text}" at the provider`, { every: 1 })
    controller.abort()
    await until(() => llm.gone() > before, 'the provider to lose its caller', { every: 1 })
  }
})

test('a user keeps the arm of a canary, and a shadow is asked after the answer, as a copy', async (t) => {
  const prompts = ['A: {{question}}', 'B: {{question}}']
  const { chat } = await begin(t, { prompts, canary: 0.5 })
  const arms = new Map<string, Set<string | null>>()
  for (let index = 0; index < 40; index++) {
    const user = `u${index % 10}`
    const release = (await chat('hi', { user })).headers.get('x-keel-release')
    arms.set(user, (arms.get(user) ?? new Set()).add(release))
  }
  assert.ok([...arms.values()].every((seen) => seen.size === 1))
  assert.equal(new Set([...arms.values()].flatMap((seen) => [...seen])).size, 2)
  const shadowed = await begin(t, { prompts, shadow: true })
  await (await shadowed.chat('hi', { stream: true })).text()
  await until(() => shadowed.llm.asked.length === 2, 'the question to the shadow', { every: 1 })
  assert.equal(shadowed.llm.asked[1]?.headers['x-shadow'], '1')
  await until(async () => (await shadowed.logged()).length === 2, 'both answers in the log', { every: 1 })
  assert.deepEqual((await shadowed.logged()).map(({ arm }) => arm).sort(), ['live', 'shadow'])
})

test('no call is made that could cost more than the spec allows, and what may be generated is bounded by the money', async (t) => {
  const { chat, llm } = await begin(t, { serves: { limits: { cost: { per_request: 0.5 } } } })
  assert.equal((await chat('hello')).status, 200)
  const bound = Number(llm.asked[0]?.body.max_tokens)
  assert.ok(bound > 0 && bound * 0.01 <= 0.5, `${bound}`)
  const over = await chat('hello', { max_tokens: 1_000 })
  assert.deepEqual([over.status, (await problem(over)).code], [429, 'insufficient_quota'])
  assert.equal((await chat('x'.repeat(2_000))).status, 429)
  assert.equal(llm.asked.length, 1)
})

test("a day's money is kept over restarts of the endpoint, is given back where it was not used, and comes back at midnight", async (t) => {
  const { app, ctx, chat, client } = await begin(t, { serves: { limits: { cost: { per_day: 1 } } } })
  let answered = 0
  while ((await chat('hello', { max_tokens: 50 })).status === 200) answered += 1
  // 0.042 each, and the last one must have found 0.5 for what it might generate.
  assert.ok(answered >= 5 && answered <= 16, `${answered}`)
  const refused = await chat('hello', { max_tokens: 50 })
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal((await chat('hello', { max_tokens: 1 })).status, 200, 'a smaller call still fits')
  assert.ok((await client.serving.getEndpoint({ endpoint: bot })).spentToday > 0.2)
  ctx.live.delete('serving.allowances')
  ctx.live.delete('serving.state')
  await serving.followRoutes(ctx)
  assert.equal((await chat('hello', { max_tokens: 50 })).status, 429, 'what a killed server had taken stays taken')
  ctx.clock.set(new Date(Date.parse('2026-01-02T00:00:01Z')))
  assert.equal((await chat('hello', { max_tokens: 50 })).status, 200)
  await app.worker.drain()
})

test('with a bound on cost and no price nothing is asked', async (t) => {
  const { ctx, chat, llm, app } = await begin(t, { serves: { limits: { cost: { per_day: 1 } } } })
  await evaluation.setPrices(ctx, { prices: { 'other/input_token': 1 } })
  await app.worker.drain()
  const reply = await chat('hello')
  assert.equal(reply.status, 422)
  assert.match((await problem(reply)).message, /no "tiny\/input_token"/)
  assert.equal(llm.asked.length, 0)
})

test('before the first release of a prompt is live its default answers, whole or streamed, and the shadow is asked', async (t) => {
  const { chat, post, url, llm, logged } = await begin(t, { first: true, serves: { default: 'One moment, please.' } })
  const whole = await chat('hello')
  assert.equal(whole.headers.get('x-keel-release'), `${bot}.r0`)
  const said = (await whole.json()) as { choices: { message: { content: string }; finish_reason: string }[] }
  assert.deepEqual([said.choices[0]?.message.content, said.choices[0]?.finish_reason], ['One moment, please.', 'stop'])
  const streamed = await (await chat('hello again', { stream: true })).text()
  assert.match(streamed, /"delta":\{"role":"assistant","content":"One moment, please\."\}[\s\S]*data: \[DONE\]\n\n$/)
  const completed = (await (await post('/completions', { prompt: 'go on' })).json()) as { choices: { text: string }[] }
  assert.equal(completed.choices[0]?.text, 'One moment, please.')
  const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] }
  assert.deepEqual(
    models.data.map(({ id }) => id),
    [bot],
  )
  await until(() => llm.asked.length === 3, 'the shadow to be asked')
  await until(async () => (await logged()).length === 6, 'all answers to be logged')
  assert.deepEqual((await logged()).map(({ arm, bad }) => `${arm} ${bad}`).toSorted(), [
    ...['live null', 'live null', 'live null'],
    ...['shadow null', 'shadow null', 'shadow null'],
  ])
})
