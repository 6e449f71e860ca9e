import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readDefinitions } from '../../src/cli/files/definitions.ts'
import { withOpenAi } from '../../src/domains/evaluation/answers/openai-stub.fixture.ts'
import * as evaluation from '../../src/domains/evaluation/evaluation.ts'
import * as project from '../../src/domains/project/project.ts'
import * as registry from '../../src/domains/registry/registry.ts'

const root = fileURLToPath(new URL('../../examples/support-bot/', import.meta.url))
const model = 'support-bot'
const written = 'http://127.0.0.1:8081/v1'

/** Knows the shop only when the prompt tells it. */
function clerk(prompt: string): string {
  const question = /Question: (.*)/.exec(prompt)?.[1] ?? ''
  if (!prompt.includes('Facts:')) return 'I am sorry, I do not know that. Please call us.'
  if (/return|back|fit/.test(question)) return 'You can return it free of charge within 30 days.'
  return /delivery|arrive|here|delivered|ordered/i.test(question)
    ? 'It is delivered in 3 days.'
    : 'We are open until 18.'
}

function judge(content: string): string {
  const { expected, answer } = JSON.parse(content) as { expected: string; answer: string }
  return JSON.stringify({ score: answer.includes(expected) ? 0.9 : 0.1 })
}

test('the example of a prompt is applied, planned, evaluated and gated as its README says', async (t) => {
  const { ctx, url, requests } = await withOpenAi(t, ({ messages }) => {
    const last = messages.at(-1)?.content ?? ''
    return messages.length > 1 ? judge(last) : clerk(last)
  })
  const definitions = JSON.parse(JSON.stringify(await readDefinitions(root)).replaceAll(written, url))
  await project.apply(ctx, definitions)
  for (const file of ['plain.txt', 'with-facts.txt']) {
    const prompt = readFileSync(`${root}prompts/${file}`, 'utf8')
    await registry.registerVersion(ctx, { model, flavor: 'prompt', prompt })
  }
  const { prices } = await evaluation.getPrices(ctx)
  assert.equal(Object.keys(prices).length, 2)
  const plan = await evaluation.planMargin(ctx, { golden: 'support-questions' })
  assert.deepEqual([plan.items, plan.margins.length], [98, 5])

  const result = await evaluation.evaluate(ctx, { model, version: 2, against: '1' })
  assert.equal(result.primary.verdict, 'pass', result.primary.reason)
  assert.deepEqual([result.repeats, result.judges[0]?.kappa.n], [3, 66])
  assert.ok((result.hidden?.n ?? 0) > 5)
  assert.equal(result.slices.map(({ value }) => value).join(), 'delivery,hours,returns')

  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const gate = await evaluation.runGate(ctx, { model, version: 2 })
  const named = (check: string) => gate.checks.find((one) => one.check === check)
  assert.equal(named('judge helpful')?.verdict, 'pass')
  assert.equal(named('quality has_fact')?.verdict, 'pass')
  assert.equal(named('floor short')?.verdict, 'pass')
  const cost = named('guardrail cost_per_1k')
  assert.equal(cost?.verdict, 'pass', cost?.reason)
  assert.equal(gate.verdict, 'pass', gate.summary)
  const asked = requests.length
  const again = await evaluation.rerunGate(ctx, { gate: gate.id })
  assert.deepEqual([again.same, again.sameEvidence, requests.length], [true, true, asked])
})
