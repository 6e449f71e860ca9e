import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begin, bot } from './openai.fixture.ts'

type Problem = { error: { message: string; code: string; param: string | null } }
const problem = async (reply: Response) => ((await reply.json()) as Problem).error

test('nothing is sent that neither spec nor caller said', async (t) => {
  const { chat, client, llm } = await begin(t, { provider: {} })
  await chat('COLD?')
  await client.serving.predict({ endpoint: bot, inputs: { question: 'COLD?' } })
  for (const { body } of llm.asked)
    assert.deepEqual(body, { model: 'tiny', messages: [{ role: 'user', content: 'COLD?' }] })
  assert.equal(llm.asked.length, 2)
})

test('every parameter of a caller goes to the provider as it is', async (t) => {
  const { chat, post, llm } = await begin(t, { provider: {} })
  const more = {
    temperature: 0.7,
    top_p: 0.9,
    seed: 7,
    stop: ['\n'],
    logprobs: true,
    top_logprobs: 2,
    logit_bias: { 5: -1 },
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {} } },
    tools: [{ type: 'function', function: { name: 'f' } }],
    tool_choice: 'none',
    parallel_tool_calls: false,
    reasoning_effort: 'low',
    service_tier: 'flex',
    metadata: { a: 'b' },
    max_completion_tokens: 50,
    modalities: ['text'],
    something_new: { x: 1 },
  }
  assert.equal((await chat('x', more)).status, 200)
  assert.deepEqual(llm.asked[0]?.body, { model: 'tiny', messages: [{ role: 'user', content: 'x' }], ...more })
  const completion = { prompt: 'x', suffix: 'y', echo: true, logprobs: 1, best_of: 2, max_tokens: 9, temperature: 1 }
  assert.equal((await post('/completions', completion)).status, 200)
  assert.deepEqual(llm.asked[1]?.body, { model: 'tiny', ...completion })
  const embedding = { input: ['x', 'y'], dimensions: 8, encoding_format: 'base64' }
  assert.equal((await post('/embeddings', embedding)).status, 200)
  assert.deepEqual(llm.asked[2]?.body, { model: 'tiny', ...embedding })
})

test('what the spec sets was evaluated: a request for something else is refused by its name, in chats and completions', async (t) => {
  const { chat, post, llm } = await begin(t, { provider: { temperature: 0, seed: 3 } })
  for (const [name, value] of Object.entries({ temperature: 0.7, seed: 4 })) {
    for (const reply of [
      await chat('x', { [name]: value }),
      await post('/completions', { prompt: 'x', [name]: value }),
    ]) {
      assert.equal(reply.status, 400)
      const { param, message } = await problem(reply)
      assert.equal(param, name)
      assert.match(message, new RegExp(`"${name}" is \\d here, because it was evaluated so; .* asks for ${value}`))
    }
  }
  assert.equal(llm.asked.length, 0)
  assert.equal((await chat('x', { temperature: 0, seed: 3 })).status, 200)
  assert.equal((await chat('x', { temperature: null })).status, 200)
})

test("the bound on tokens has the name that the spec says, else the caller's; the smaller one holds", async (t) => {
  const { chat, llm } = await begin(t, { provider: { max_tokens: 40, bound: 'max_completion_tokens' } })
  for (const asked of [{}, { max_tokens: 100 }, { max_completion_tokens: 10 }]) await chat('x', asked)
  const bounds = llm.asked.map(({ body }) => body as Record<string, unknown>)
  assert.deepEqual(
    bounds.map(({ max_tokens, max_completion_tokens }) => [max_tokens, max_completion_tokens]),
    [
      [undefined, 40],
      [undefined, 40],
      [undefined, 10],
    ],
  )
})

test('a bound that money sets has the name that the spec says', async (t) => {
  const { chat, llm } = await begin(t, {
    provider: { bound: 'max_completion_tokens' },
    serves: { limits: { cost: { per_request: 1 } } },
  })
  assert.equal((await chat('x')).status, 200)
  const sent = llm.asked[0]?.body as Record<string, unknown>
  assert.deepEqual([typeof sent['max_completion_tokens'], sent['max_tokens']], ['number', undefined])
})

test("the provider's own sentence about a request is shown, in its own reply and in that of a row", async (t) => {
  const { chat, client } = await begin(t, { provider: { temperature: 0 } })
  const reply = await chat('COLD?')
  assert.equal(reply.status, 400)
  assert.match((await problem(reply)).message, /only the default temperature/)
  await assert.rejects(
    client.serving.predict({ endpoint: bot, inputs: { question: 'COLD?' } }),
    (error: { problem?: { hint?: string } }) => /provider says: only the default/.test(error.problem?.hint ?? ''),
  )
})

test('a provider that does not count in streams is asked again without, and not asked for it afterwards', async (t) => {
  const { chat, llm, logged } = await begin(t)
  for (const _ of [1, 2]) {
    const reply = await chat('PLAIN words here', { stream: true })
    assert.equal(reply.status, 200)
    assert.match(await reply.text(), /\[DONE\]/)
  }
  assert.deepEqual(
    llm.asked.map(({ body }) => body.stream_options !== undefined),
    [true, false, false],
  )
  assert.deepEqual((await logged()).map(({ output, bad }) => [output, bad])[0], ['PLAIN words here', null])
  const own = await chat('PLAIN', { stream: true, stream_options: { include_usage: true } })
  assert.equal(own.status, 422)
})

test('sound, and whatever else than text an endpoint does not answer with, is refused by its name', async (t) => {
  const { chat, llm } = await begin(t)
  const wrong = {
    audio: { voice: 'alloy', format: 'wav' },
    modalities: ['text', 'audio'],
    n: 1.5,
    stream: 'yes',
    stream_options: 'all',
  }
  for (const [name, value] of Object.entries(wrong)) {
    const reply = await chat('x', { [name]: value })
    assert.deepEqual([reply.status, (await problem(reply)).param], [400, name])
  }
  assert.equal(llm.asked.length, 0)
})

test('of a message of parts the text fills the prompt and the other parts stay; the log knows of an image what it was', async (t) => {
  const { post, llm, logged } = await begin(t, { prompts: ['Say: {{question}}'] })
  const image = {
    type: 'image_url',
    image_url: { url: `data:image/png;base64,${Buffer.from('pixels').toString('base64')}` },
  }
  const far = { type: 'image_url', image_url: { url: 'https://pictures.example/a.png?signature=secret' } }
  const ask = (content: unknown) => post('/chat/completions', { messages: [{ role: 'user', content }] })
  assert.equal(
    (await ask([image, { type: 'text', text: 'What is' }, far, { type: 'text', text: 'this?' }])).status,
    200,
  )
  assert.deepEqual(llm.asked[0]?.body.messages, [
    { role: 'user', content: [image, { type: 'text', text: 'Say: What is\nthis?' }, far] },
  ])
  assert.equal((await ask([{ type: 'text', text: 'only text' }])).status, 200)
  assert.deepEqual(llm.asked[1]?.body.messages, [{ role: 'user', content: 'Say: only text' }])
  const [row] = await logged()
  const said = String(row?.inputs['messages'])
  assert.match(said, /"media":"image\/png","bytes":6,"sha256":"[0-9a-f]{64}"/)
  assert.match(said, /https:\/\/pictures.example\/a.png"/)
  assert.doesNotMatch(said, /cGl4ZWxz|secret/)
  const nothing = await ask([image])
  assert.equal(nothing.status, 400)
  assert.match((await problem(nothing)).message, /reads "question"/)
})

test('a part that the provider does not take, or that is none, is refused by its place', async (t) => {
  const { post, llm } = await begin(t, { provider: { parts: ['image_url'] } })
  const ask = (part: unknown) =>
    post('/chat/completions', { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, part] }] })
  for (const part of [{ type: 'input_audio', input_audio: {} }, 'text', { text: 'x' }]) {
    const reply = await ask(part)
    assert.deepEqual([reply.status, (await problem(reply)).param], [400, 'messages[0].content[1]'])
  }
  assert.equal((await ask({ type: 'image_url', image_url: { url: 'https://a.example/b.png' } })).status, 200)
  assert.equal(llm.asked.length, 1)
})
