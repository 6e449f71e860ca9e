import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testContext } from '../../../../test/support/context.ts'
import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import { parse } from '../../../core/validate.ts'
import * as registry from '../../registry/registry.ts'
import { type Against, ModelSpec } from '../../registry/spec/spec.ts'
import { definition, establish, makeItems, makeSpec, registerEcho } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'

const model = 'flight-delay'
const against = (against: Against, metric = 'log_loss') => makeSpec({ quality: { metric, against, margin: 0.01 } })

async function begin(ctx: Context, what: Against, columns: Record<string, (index: number) => unknown> = {}) {
  await establish(ctx, { spec: against(what) })
  const items = makeItems(400).map((item, index) => ({
    ...item,
    ...Object.fromEntries(Object.entries(columns).map(([name, valueAt]) => [name, valueAt(index)])),
  }))
  await evaluation.applyGolden(ctx, { definition, items })
  await registerEcho(ctx, 'good')
}

async function gateOf(ctx: Context, version = 1) {
  const gate = await evaluation.runGate(ctx, { model, version })
  const compared =
    gate.evaluation === null ? undefined : await evaluation.getEvaluation(ctx, { evaluation: gate.evaluation })
  return { ...gate, compared }
}

test('another version is compared with by its number or by an alias, whatever is live', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx, 'alias.champion')
  await registerEcho(ctx, 'noisy')
  await registerEcho(ctx, 'wrong')
  await registry.setAlias(ctx, { model, alias: 'champion', version: 2 })
  await registry.moveLiveAlias(ctx, { model, version: 3 })
  const gate = await gateOf(ctx)
  assert.deepEqual(
    [gate.verdict, gate.compared?.against, gate.compared?.baselineVersion],
    ['pass', 'alias.champion (v2)', 2],
  )
  await registry.applySpec(ctx, against('v2'))
  assert.equal((await gateOf(ctx)).compared?.against, 'v2')
  await registry.applySpec(ctx, against('alias.champoin'))
  const refused = await gateOf(ctx)
  assert.equal(refused.verdict, 'error')
  assert.match(refused.summary, /"flight-delay" has no alias "champoin".*Did you mean "champion"/)
})

test('recorded answers of the golden set are compared with as a version would be, and the gate pins them', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx, 'golden.noisy')
  const gate = await gateOf(ctx)
  assert.deepEqual(
    [gate.verdict, gate.compared?.against, gate.compared?.baselineVersion],
    ['pass', 'recorded answers (golden.noisy)', null],
  )
  const { baseline } = gate.evidence as { baseline: Record<string, string> }
  assert.equal(baseline['column'], 'noisy')
  assert.match(baseline['answers'] ?? '', /^sha256:/)
  const again = await evaluation.rerunGate(ctx, { gate: gate.id })
  assert.deepEqual([again.same, again.sameEvidence], [true, true])
  await registry.applySpec(ctx, against('golden.good'))
  const wrong = await registerEcho(ctx, 'wrong')
  assert.equal((await gateOf(ctx, wrong.version)).verdict, 'fail')
})

test('a column that is missing, has holes or holds something else is no baseline, and the gate says which items', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx, 'live', {
    holes: (index) => (index % 100 === 7 ? null : 0.5),
    words: (index) => (index === 3 ? 'late' : 0.5),
    classes: (index) => index % 2,
  })
  const said = async (what: Against, metric?: string) => {
    await registry.applySpec(ctx, against(what, metric))
    const { verdict, summary } = await gateOf(ctx)
    return `${verdict}: ${summary}`
  }
  assert.match(await said('golden.yesterday'), /^error: .*no column "yesterday".*Columns: .*noisy/s)
  assert.match(await said('golden.late'), /^error: .*"late" is the label of the golden set, not an answer/s)
  assert.match(await said('golden.holes'), /^error: .*4 of 400 items \(f7, f107, f207, f307\) have no answer/s)
  assert.match(
    await said('golden.words'),
    /^error: .*1 of 400 items \(f3\) have no probability from 0 to 1, such as "late"/s,
  )
  assert.match(await said('golden.classes'), /^error: .*each answer is 0 or 1, and log_loss judges probabilities/s)
  assert.match(await said('golden.classes', 'accuracy'), /^(?!error)/)
})

test('which hidden items have no recorded answer is not told', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx, 'golden.holes')
  const items = makeItems(400).map((item) => ({ ...item, holes: null }))
  await evaluation.applyGolden(ctx, { definition: { ...definition, hidden: 0.5 }, items })
  const { summary } = await gateOf(ctx)
  const named = /400 of 400 items \(([^)]*)…\)/.exec(summary)?.[1]?.trim().split(', ') ?? []
  const { items: seen } = await evaluation.listItems(ctx, { golden: definition.golden, limit: 1000 })
  const ids = new Set(seen.map(({ item }) => String(item['id'])))
  assert.ok(named.length > 0 && named.every((id) => ids.has(id)), summary)
})

const program = `
const lines = require('node:fs').readFileSync(0, 'utf8').trim().split('\\n').map((line) => JSON.parse(line))
require('node:fs').appendFileSync('runs.txt', lines.length + ' ' + Object.keys(lines[0].inputs) + ' ' + process.env.KEEL_MODEL + '\\n')
const mode = process.argv[2]
if (mode === 'dies') process.exit(3)
console.log('a line of its own')
for (const { id, item, inputs } of mode === 'fewer' ? lines.slice(2) : lines)
  console.log(JSON.stringify({ id, answer: mode === 'words' ? 'late' : inputs.noisy, item }))
if (mode === 'twice') console.log(JSON.stringify({ id: '0', answer: 0.5 }))
if (mode === 'hangs') setInterval(() => {}, 1000)
`

test('a command answers all items at once, is never told the label, and its answers are pinned in the evidence', async (t) => {
  const ctx = await testContext(t)
  writeFileSync(join(ctx.root, 'old.cjs'), program)
  await begin(ctx, { command: [process.execPath, 'old.cjs'] })
  const gate = await gateOf(ctx)
  assert.equal(gate.verdict, 'pass', gate.summary)
  assert.match(gate.compared?.against ?? '', /^command \(.*old\.cjs\)$/)
  const { baseline } = gate.evidence as { baseline: Record<string, string> }
  assert.match(baseline['answers'] ?? '', /^sha256:/)
  const runs = () => readFileSync(join(ctx.root, 'runs.txt'), 'utf8').trim().split('\n')
  assert.deepEqual(runs(), ['400 departs,good,id,noisy,origin,wrong flight-delay'])
  // Judged again on what it said then, whatever the command would say today.
  const again = await evaluation.rerunGate(ctx, { gate: gate.id })
  assert.deepEqual([again.from, again.same, again.sameEvidence, runs().length], ['record', true, true, 1])
  const { against: shown } = await evaluation.evaluate(ctx, { model, version: 1, against: 'command' })
  assert.match(shown, /^command/)
})

test('a command that dies, hangs, answers fewer lines, one twice or something else says nothing of the candidate', async (t) => {
  const ctx = await testContext(t)
  writeFileSync(join(ctx.root, 'old.cjs'), program)
  await begin(ctx, 'live')
  const said = async (mode: string, more: object = {}) => {
    await registry.applySpec(ctx, against({ command: [process.execPath, 'old.cjs', mode], ...more }))
    const { verdict, summary } = await gateOf(ctx)
    assert.equal(verdict, 'error')
    assert.match(summary, /could not be asked, and that is not the candidate's fault/)
    return summary
  }
  assert.match(await said('dies'), /ended with exit code 3/)
  assert.match(await said('hangs', { timeout: '2s' }), /took longer than 2s/)
  assert.match(await said('fewer'), /answered 398 of 400 lines; there is none with the id 0, 1/)
  assert.match(await said('twice'), /answered the line with the id "0" twice/)
  assert.match(await said('words'), /400 of 400 items .* have no probability from 0 to 1, such as "late"/)
})

test('a word that means nothing is refused where it is written, with what may stand there', async (t) => {
  const refused = (what: unknown, message: RegExp) => {
    const spec = { ...makeSpec(), success: { quality: { metric: 'log_loss', against: what, margin: 0.01 } } }
    assert.throws(
      () => parse(ModelSpec, spec),
      (error) => error instanceof AppError && message.test(`${error.message} ${error.hint}`),
    )
  }
  refused('basline', /"success\.quality\.against" must be like one of: live, baseline, v3, .*Did you mean "baseline"/)
  refused('golden.', /must be like one of/)
  refused({ comand: ['x'] }, /command" is missing.*and 1 more.*Did you mean "command"/)
  refused({ command: [] }, /command/)
  const ctx = await testContext(t)
  await begin(ctx, 'live')
  await assert.rejects(
    evaluation.evaluate(ctx, { model, version: 1, against: 'liv' }),
    /"liv" is nothing to compare with/,
  )
  await assert.rejects(evaluation.evaluate(ctx, { model, version: 1, against: 'command' }), /names no command/)
})

test('a version that breaks on inputs that were inferred for it is told so, with the way out', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx, 'baseline')
  const rows = Array.from({ length: 25 }, (_, index) => ({ good: index / 25 }))
  const external = await registry.registerVersion(ctx, { model, flavor: 'mlflow', uri: 's3://models/flight-delay' })
  await registry.inferFromPredictions(ctx, { model, version: external.version, rows })
  const { verdict, summary } = await gateOf(ctx, external.version)
  assert.equal(verdict, 'error')
  assert.match(summary, /inferred from its predictions: good \(number\)\. Register it with a signature/)
})
