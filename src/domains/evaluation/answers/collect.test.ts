import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '../../../core/context.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec, Scorer } from '../../registry/spec/model-spec.ts'
import { makeSpec } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'
import { withOpenAi } from './openai-stub.fixture.ts'

const model = 'support-bot'
const definition = { golden: 'support', file: 'golden/support.jsonl', id: 'id', label: 'expected' }

function questions(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    id: `q${index}`,
    question: `What is ${index} plus ${index}?`,
    expected: String(2 * index),
  }))
}

/** The right sum, unless the prompt asks for less or the number is one of the hard ones. */
function sumOf(text: string): { right: string; index: number } {
  const index = Number(/What is (\d+) plus/.exec(text)?.[1])
  return { right: String(2 * index), index }
}

type BotSetup = { url: string; scorers: Scorer[]; items?: number; success?: Partial<ModelSpec['success']> }

async function establishBot(ctx: Context, { url, scorers, items = 60, success = {} }: BotSetup) {
  const first = scorers[0]?.name ?? ''
  await registry.applySpec(ctx, {
    ...makeSpec({ quality: { metric: first, against: 'live', margin: 0.1 }, scorers, ...success }),
    model,
    golden: 'support',
    serves: { output: 'text', provider: { url, model: 'tiny-1' } },
  })
  await evaluation.applyGolden(ctx, { definition, items: questions(items) })
}

async function registerPrompt(ctx: Context, prompt: string) {
  return registry.registerVersion(ctx, { model, flavor: 'prompt', prompt })
}

test('a prompt is asked about every item, three times, and judged by the scorers of the spec', async (t) => {
  let timesOfFive = 0
  const { ctx, url, requests } = await withOpenAi(t, ({ messages }) => {
    const text = messages[0]?.content ?? ''
    const { right, index } = sumOf(text)
    if (text.startsWith('Badly:')) return index % 2 === 0 ? 'no idea' : right
    // One item is answered right only now and then.
    if (index === 5) timesOfFive += 1
    return index === 5 && timesOfFive === 2 ? 'eleven' : right
  })
  const scorers: Scorer[] = [
    { name: 'exact', kind: 'exact' },
    { name: 'has_number', kind: 'regex', pattern: '^[0-9]+$' },
    { name: 'is_integer', kind: 'json_schema', schema: { type: 'integer', minimum: 0 } },
    { name: 'contains', kind: 'contains', ignore_case: true },
  ]
  await establishBot(ctx, { url, scorers })
  await registerPrompt(ctx, 'Badly: {{question}}')
  await registerPrompt(ctx, 'Answer with the number alone: {{ question }}')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const result = await evaluation.evaluate(ctx, { model, version: 2 })
  assert.equal(requests.length, 60 * 2 * 3)
  assert.deepEqual(
    [result.repeats, result.primary.verdict, result.against],
    [3, 'pass', 'live (v1)'],
    result.primary.reason,
  )
  assert.deepEqual(
    result.metrics.map(({ metric, baseline }) => [metric, baseline?.value]),
    [
      ['exact', 0.5],
      ['has_number', 0.5],
      ['is_integer', 0.5],
      ['contains', 0.5],
    ],
  )
  const steady = result.stability.find(({ metric }) => metric === 'exact')
  assert.equal(steady?.baseline.flips, 0)
  assert.ok((steady?.candidate.passOnce ?? 0) > 0.95)
  assert.equal(steady?.candidate.flips, 1 / 60)
  assert.equal(steady?.candidate.passAlways, 59 / 60)
  const page = await evaluation.listOutputs(ctx, { evaluation: result.id, limit: 2 })
  assert.deepEqual(
    page.items.map(({ id, candidate }) => [id, candidate.answers, candidate.scores['exact']]),
    [
      ['q0', ['0', '0', '0'], [1, 1, 1]],
      ['q1', ['2', '2', '2'], [1, 1, 1]],
    ],
  )
  assert.equal(page.next, '2')
})

test('tokens are priced by the table, and a candidate that costs too much fails', async (t) => {
  const { ctx, url } = await withOpenAi(t, ({ messages }) => {
    const text = messages[0]?.content ?? ''
    const { right } = sumOf(text)
    return text.startsWith('Long:') ? `${right} because ${'I say so '.repeat(20)}` : right
  })
  const success = { repeats: 1, guardrails: [{ metric: 'cost_per_1k', ratio: 1.1 }] }
  await establishBot(ctx, { url, scorers: [{ name: 'contains', kind: 'contains' }], success })
  await registerPrompt(ctx, '{{question}}')
  await registerPrompt(ctx, 'Long: {{question}}')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const costOf = async (version: number) =>
    (await evaluation.runGate(ctx, { model, version })).checks.find(({ check }) => check === 'guardrail cost_per_1k')
  assert.deepEqual([(await costOf(2))?.verdict, (await costOf(2))?.required], ['cannot_tell', false])
  await evaluation.setPrices(ctx, { prices: { 'tiny-1/input_token': 0.001 } })
  const half = await costOf(2)
  assert.deepEqual([half?.verdict, half?.required], ['error', true])
  assert.match(half?.reason ?? '', /no price for "tiny-1\/output_token"/)
  await evaluation.setPrices(ctx, { prices: { 'tiny-1/input_token': 0.001, 'tiny-1/output_token': 0.002 } })
  const full = await costOf(2)
  assert.equal(full?.verdict, 'fail', full?.reason)
  assert.ok((full?.value ?? 0) > 10)
})

test('a gate over models elsewhere is judged again from its record, without asking them', async (t) => {
  const { ctx, url, requests } = await withOpenAi(t, ({ messages }) => sumOf(messages[0]?.content ?? '').right)
  await establishBot(ctx, { url, scorers: [{ name: 'exact', kind: 'exact' }], success: { repeats: 1 } })
  await registerPrompt(ctx, '{{question}}')
  const gate = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(gate.verdict, 'pass', gate.summary)
  const asked = requests.length
  const again = await evaluation.rerunGate(ctx, { gate: gate.id })
  assert.equal(requests.length, asked)
  assert.deepEqual(
    [again.from, again.verdict, again.same, again.sameEvidence],
    ['record', 'pass', true, true],
    again.differences.join(),
  )
})

test('a provider that fails, and a key that may not be sent, make the gate an error that says so', async (t) => {
  const { ctx, url, requests } = await withOpenAi(t, () => ({ status: 500, body: 'secret internals' }))
  await establishBot(ctx, { url, scorers: [{ name: 'exact', kind: 'exact' }], items: 12 })
  await registerPrompt(ctx, '{{question}}')
  const broken = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(broken.verdict, 'error')
  assert.match(broken.summary, /"tiny-1" at 127.0.0.1:\d+ failed: it answered with status 500/)
  assert.ok(!broken.summary.includes('secret'))
  const before = requests.length
  await registry.applySpec(ctx, {
    ...makeSpec({
      quality: { metric: 'exact', against: 'live', margin: 0.1 },
      scorers: [{ name: 'exact', kind: 'exact' }],
    }),
    model,
    golden: 'support',
    serves: { output: 'text', provider: { url, model: 'tiny-1', key: 'KEEL_TEST_NO_SUCH_KEY' } },
  })
  const keyless = await evaluation.runGate(ctx, { model, version: 1 })
  assert.match(keyless.summary, /environment has no "KEEL_TEST_NO_SUCH_KEY"/)
  await registry.applySpec(ctx, {
    ...makeSpec({
      quality: { metric: 'exact', against: 'live', margin: 0.1 },
      scorers: [{ name: 'exact', kind: 'exact' }],
    }),
    model,
    golden: 'support',
    serves: { output: 'text', provider: { url: 'https://elsewhere.example/v1', model: 'tiny-1', key: 'PATH' } },
  })
  const foreign = await evaluation.runGate(ctx, { model, version: 1 })
  assert.match(foreign.summary, /The key "PATH" is not sent to "elsewhere.example"/)
  assert.equal(requests.length, before)
})

test('a judge decides only when it agrees with people, on enough of their judgements', async (t) => {
  const graded = (content: string) => {
    const { answer } = JSON.parse(content) as { answer: string }
    return /^\d+$/.test(answer) ? '{"score": 0.9}' : '```json\n{"score": 0.1}\n```'
  }
  const { ctx, url } = await withOpenAi(t, ({ messages }) => {
    const system = messages.find(({ role }) => role === 'system')
    const last = messages.at(-1)?.content ?? ''
    return system ? graded(last) : sumOf(last).right
  })
  const judge: Scorer = {
    name: 'helpful',
    kind: 'judge',
    provider: { url, model: 'judge-1' },
    rubric: 'The answer is a plain number.',
    golden: 'judged',
  }
  const judgements = (count: number, wrong: number) =>
    Array.from({ length: count }, (_, index) => ({
      id: `j${index}`,
      question: 'How many?',
      answer: index % 2 === 0 ? String(index) : 'no idea',
      good: index < wrong ? index % 2 : 1 - (index % 2),
    }))
  const judged = { golden: 'judged', file: 'golden/judged.jsonl', id: 'id', label: 'good' }
  await establishBot(ctx, { url, scorers: [judge], success: { repeats: 1 }, items: 40 })
  await registerPrompt(ctx, '{{question}}')
  const check = async () =>
    (await evaluation.runGate(ctx, { model, version: 1 })).checks.find((one) => one.check === 'judge helpful')
  await evaluation.applyGolden(ctx, { definition: judged, items: judgements(40, 0) })
  assert.equal((await check())?.verdict, 'cannot_tell')
  await evaluation.applyGolden(ctx, { definition: judged, items: judgements(80, 4) })
  const good = await check()
  assert.deepEqual([good?.verdict, good?.n], ['pass', 80], good?.reason)
  assert.ok(Math.abs((good?.value ?? 0) - 0.9) < 1e-12)
  await evaluation.applyGolden(ctx, { definition: judged, items: judgements(80, 36) })
  assert.equal((await check())?.verdict, 'fail')
})

test('a judge that chats instead of grading leaves answers without a score, which is an error', async (t) => {
  const { ctx, url } = await withOpenAi(t, ({ messages }) =>
    messages.length > 1 ? 'I would say this deserves {"score": 1}' : '4',
  )
  const judge: Scorer = {
    name: 'helpful',
    kind: 'judge',
    provider: { url, model: 'judge-1' },
    rubric: 'It is a number.',
  }
  await establishBot(ctx, { url, scorers: [judge], success: { repeats: 1 }, items: 12 })
  await registerPrompt(ctx, '{{question}}')
  const result = await evaluation.evaluate(ctx, { model, version: 1 })
  assert.equal(result.primary.verdict, 'error')
  assert.match(result.primary.reason, /the candidate has no usable answer for 12 of 12 items/)
})
