import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begin, bot } from '../../src/protocols/openai/openai.fixture.ts'

const unusual = {
  'HALF of it': ['cut_off', 'HALF '],
  PONDERS: ['cut_off', null],
  FILTERED: ['filtered', null],
  REFUSED: ['refused', null],
  CALLS: ['tool_call', null],
  NOTHING: ['empty', null],
} as const

test('an answer that is cut off, refused, filtered, empty or a call of a tool is marked in the reply, whole or streamed, and in the log', async (t) => {
  const { chat, logged } = await begin(t)
  for (const [asked, [mark]] of Object.entries(unusual)) {
    const whole = await chat(asked)
    assert.deepEqual([whole.status, whole.headers.get('x-keel-marks')], [200, mark], asked)
    const streamed = await (await chat(asked, { stream: true })).text()
    assert.match(streamed, new RegExp(`: x-keel-marks: ${mark}\\n\\ndata: \\[DONE\\]`), streamed)
  }
  const ordinary = await chat('Are you open?')
  assert.equal(ordinary.headers.get('x-keel-marks'), null)
  const rows = await logged()
  const expected = Object.values(unusual).flatMap(([mark, text]) => [1, 2].map(() => [[mark], 'invalid', text]))
  assert.deepEqual(
    rows.map(({ marks, bad, output }) => [marks, bad, output]),
    [...expected, [[], null, 'Are you open?']],
  )
})

test('the row of a prediction has the same marks: half an answer is served with its mark, and where there is none another release answers', async (t) => {
  const { client, logged } = await begin(t, { prompts: ['{{question}}', 'Instead. {{spare}}'] })
  const half = await client.serving.predict({ endpoint: bot, inputs: { question: 'HALF of it' } })
  assert.deepEqual([half.output, half.marks], ['HALF ', ['cut_off']])
  await assert.rejects(
    client.serving.predict({ endpoint: bot, inputs: { question: 'FILTERED' } }),
    /gave no usable answer \(filtered\)\. Nothing could stand in/,
  )
  const found = await client.serving.listPredictions({ endpoint: bot, mark: 'filtered' })
  assert.deepEqual(
    found.items.map(({ marks, output, bad }) => [marks, output, bad]),
    [[['filtered'], null, 'invalid']],
  )
  assert.equal((await logged()).length, 2)
})

test('what another release answered in place of one that could not is marked a stand-in by every door', async (t) => {
  const { chat, client, url, logged } = await begin(t, { prompts: ['{{question}}', 'BROKEN: {{question}}'], canary: 1 })
  const { output, marks } = await client.serving.predict({ endpoint: bot, inputs: { question: 'x' } })
  assert.deepEqual([output, marks], ['x', ['stand_in']])
  assert.equal((await chat('x')).headers.get('x-keel-marks'), 'stand_in')
  const streamed = await chat('x', { stream: true })
  assert.equal(streamed.headers.get('x-keel-marks'), 'stand_in')
  await streamed.text()
  const send = (path: string, body: object) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const records = { dataframe_records: [{ question: 'x' }, { question: 'y' }] }
  const scored = await send(`/serve/${bot}/invocations`, records)
  assert.equal(scored.headers.get('x-keel-marks'), 'stand_in;n=2;at="0 1"')
  const kserve = await send(`/v1/models/${bot}:predict`, { instances: [{ question: 'x' }] })
  assert.equal(kserve.headers.get('x-keel-marks'), 'stand_in')
  const inputs = [{ name: 'question', shape: [2], datatype: 'BYTES', data: ['x', 'y'] }]
  const inferred = (await (await send(`/v2/models/${bot}/infer`, { inputs })).json()) as { parameters: object }
  assert.deepEqual(inferred.parameters, { release: `${bot}.r1`, marks: 'stand_in;n=2;at="0 1"' })
  const rows = await logged()
  assert.ok(rows.every((row) => row.fallback === row.marks.includes('stand_in')))
  assert.equal(rows.filter(({ fallback }) => fallback).length, 8)
})

test('an answer that ends where the caller wanted it to is marked, and no fault of the release', async (t) => {
  const { chat, logged } = await begin(t)
  const reply = await chat('HALF of it', { max_tokens: 5 })
  assert.equal(reply.headers.get('x-keel-marks'), 'cut_off')
  const [row] = await logged()
  assert.deepEqual([row?.marks, row?.bad], [['cut_off'], null])
})

test('who offers tools expects their calls, and the log keeps them', async (t) => {
  const { chat, llm, logged } = await begin(t)
  const tools = [{ type: 'function', function: { name: 'look_up', parameters: {} } }]
  for (const stream of [false, true]) {
    const reply = await chat('CALLS', { tools, tool_choice: 'auto', stream })
    assert.equal(reply.headers.get('x-keel-marks'), null)
    assert.doesNotMatch(await reply.text(), /x-keel-marks/)
  }
  const sent = llm.asked[0]?.body as { tools?: unknown; tool_choice?: unknown } | undefined
  assert.deepEqual([sent?.tools, sent?.tool_choice], [tools, 'auto'])
  const call = '[{"name":"look_up","arguments":"{\\"day\\":\\"Sunday\\"}"}]'
  assert.deepEqual(
    (await logged()).map(({ output, marks, bad }) => [output, marks, bad]),
    [
      [call, [], null],
      [call, [], null],
    ],
  )
})

test('several answers to one request are kept apart in the log and marked one by one, streamed or not', async (t) => {
  const { chat, logged } = await begin(t)
  const whole = await chat('Red Apple', { n: 2 })
  assert.equal(((await whole.json()) as { choices: unknown[] }).choices.length, 2)
  await (await chat('Red Apple', { n: 2, stream: true })).text()
  const halves = await chat('HALF OF IT', { n: 2 })
  assert.equal(halves.headers.get('x-keel-marks'), 'cut_off;n=2;at="0 1"')
  const streamed = await (await chat('HALF OF IT', { n: 2, stream: true })).text()
  assert.match(streamed, /: x-keel-marks: cut_off;n=2;at="0 1"/)
  assert.deepEqual(
    (await logged()).map(({ output, marks }) => [output, marks]),
    [
      ['["Red Apple","red apple"]', []],
      ['["Red Apple","red apple"]', []],
      ['["HALF ","half "]', ['cut_off']],
      ['["HALF ","half "]', ['cut_off']],
    ],
  )
})
