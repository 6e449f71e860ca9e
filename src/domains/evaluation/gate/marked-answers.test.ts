import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '../../../core/context.ts'
import * as registry from '../../registry/registry.ts'
import { withOpenAi } from '../answers/openai-stub.fixture.ts'
import { makeSpec } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'

const model = 'support-bot'
const definition = { golden: 'support', file: 'golden/support.jsonl', id: 'id', label: 'expected' }

/** A bot whose only scorer looks for the right word; the prompt of a version says which of its answers are how. */
async function establishBot(ctx: Context, url: string, prompts: string[]) {
  await registry.applySpec(ctx, {
    ...makeSpec({
      quality: { metric: 'has_it', against: 'live', margin: 0.5 },
      scorers: [{ name: 'has_it', kind: 'contains' }],
      repeats: 1,
    }),
    model,
    golden: 'support',
    serves: { output: 'text', provider: { url, model: 'tiny' } },
  })
  const items = Array.from({ length: 40 }, (_, index) => ({
    id: `q${index}`,
    question: `w${index}.`,
    expected: `w${index}.`,
  }))
  await evaluation.applyGolden(ctx, { definition, items })
  for (const prompt of prompts) await registry.registerVersion(ctx, { model, flavor: 'prompt', prompt })
}

const choices: Record<string, object> = {
  length: { finish_reason: 'length', message: { content: null } },
  filter: { finish_reason: 'content_filter', message: { content: null } },
  refusal: { finish_reason: 'stop', message: { content: null, refusal: 'I cannot help with that.' } },
  tool: {
    finish_reason: 'tool_calls',
    message: { content: null, tool_calls: [{ function: { name: 'f', arguments: '{}' } }] },
  },
  nothing: { finish_reason: 'stop', message: { content: null } },
}

/** `length 3: …` is cut off for the first three items, and so on. */
function reply(text: string) {
  const [, kind = '', count = '0', index = '0'] = /^(\w+) (\d+): w(\d+)\.$/.exec(text) ?? []
  const short = { finish_reason: 'length', message: { content: text } }
  const choice =
    Number(index) < Number(count) ? (choices[kind] ?? short) : { finish_reason: 'stop', message: { content: text } }
  return { status: 200, body: JSON.stringify({ choices: [choice], usage: { prompt_tokens: 9, completion_tokens: 2 } }) }
}

async function checkOf(ctx: Context, version: number) {
  const gate = await evaluation.runGate(ctx, { model, version })
  return { gate, check: gate.checks.find(({ check }) => check === 'marked answers') }
}

test('a candidate of which no answer can be used passes no gate, however wide the margin, and the gate says why', async (t) => {
  const { ctx, url } = await withOpenAi(t, ({ messages }) => reply(messages[0]?.content ?? ''))
  const kinds = { length: 'cut_off', filter: 'filtered', refusal: 'refused', tool: 'tool_call', nothing: 'empty' }
  await establishBot(
    ctx,
    url,
    Object.keys(kinds).map((kind) => `${kind} 40: {{question}}`),
  )
  for (const [index, mark] of Object.values(kinds).entries()) {
    const { gate, check } = await checkOf(ctx, index + 1)
    assert.equal(gate.verdict, 'error', gate.summary)
    assert.match(check?.reason ?? '', new RegExp(`40 of 40 answers \\(40 ${mark}\\) of the candidate, 0 of 40`))
  }
})

test('answers that are cut off more often than those of the live version fail the gate; as often, they are said with their number', async (t) => {
  const { ctx, url } = await withOpenAi(t, ({ messages }) => reply(messages[0]?.content ?? ''))
  await establishBot(ctx, url, [
    'half 3: {{question}}',
    'half 20: {{question}}',
    'half 4: {{question}}',
    'half 0: {{question}}',
  ])
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const more = await checkOf(ctx, 2)
  assert.deepEqual([more.check?.verdict, more.check?.required, more.gate.verdict], ['fail', true, 'fail'])
  assert.match(
    more.check?.reason ?? '',
    /20 of 40 answers \(20 cut_off\) of the candidate, 3 of 40 answers \(3 cut_off\) of live/,
  )
  assert.match(more.check?.reason ?? '', /only the candidate on 17 items.*max_tokens/)
  const alike = await checkOf(ctx, 3)
  assert.deepEqual([alike.check?.verdict, alike.check?.required, alike.gate.verdict], ['cannot_tell', false, 'pass'])
  const fewer = await checkOf(ctx, 4)
  assert.deepEqual([fewer.check?.verdict, fewer.check?.value, fewer.check?.limit], ['pass', 0, 3])
})

test('marks are kept with the answers: they are listed, and a gate judged again from its record says the same', async (t) => {
  const { ctx, url } = await withOpenAi(t, ({ messages }) => reply(messages[0]?.content ?? ''))
  await establishBot(ctx, url, ['length 20: {{question}}'])
  const { gate } = await checkOf(ctx, 1)
  const { items } = await evaluation.listOutputs(ctx, { evaluation: gate.evaluation ?? '', limit: 1 })
  assert.deepEqual(items[0]?.candidate, { answers: [null], marks: [['cut_off']], scores: { has_it: [0] } })
  const again = await evaluation.rerunGate(ctx, { gate: gate.id })
  assert.deepEqual([again.same, again.sameEvidence, again.from], [true, true, 'record'])
})

test('a provider that refuses the questions of the gate is quoted', async (t) => {
  const sentence = 'only the default temperature (1) is for this model'
  const { ctx, url } = await withOpenAi(t, () => ({
    status: 400,
    body: JSON.stringify({ error: { message: sentence } }),
  }))
  await establishBot(ctx, url, ['{{question}}'])
  const { gate } = await checkOf(ctx, 1)
  assert.equal(gate.verdict, 'error')
  assert.ok(gate.summary.includes(sentence), gate.summary)
})
