import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse as parseYaml } from 'yaml'
import { parse } from '../../../core/validate.ts'
import { ModelSpec } from './model-spec.ts'
import { completeSpec, SpecFile, toldDefaults } from './short-spec.ts'

const read = (text: string) => parse(SpecFile, parseYaml(text), { code: 'invalid_file', what: 'models/churn.yaml' })
const watched = `
model: churn
owner: ann@team.example
backup: bob@team.example
purpose: Who is likely to leave, for the people who call.
serves: { output: binary }
labels: { from: crm.churned, arrive_within: 30d }
monitoring: { every: 7d }
`

test('eight lines are enough to watch a model, and what they leave out is said with what comes next', () => {
  const spec = completeSpec(read(watched))
  parse(ModelSpec, spec, { code: 'invalid_file', what: 'spec' })
  assert.deepEqual([spec.level, spec.golden, spec.success.quality.metric], ['watch', 'churn-golden', 'auc'])
  const [line = '', ...more] = toldDefaults(read(watched))
  assert.equal(more.length, 0)
  assert.match(
    line,
    /^models\/churn\.yaml is of level watch: .*no golden set .*quality by auc, margin 0\.02.*To gate it too/,
  )
})

test('a golden set makes it a gate, and a way of delivery makes it releases', () => {
  assert.equal(completeSpec(read(`${watched}golden: churn-cases`)).level, 'gate')
  const delivered = `${watched}golden: churn-cases\ndelivery: { rollout: { shadow: 1h, steps: [100], bake: 1h } }`
  const spec = completeSpec(read(delivered))
  assert.deepEqual([spec.level, spec.delivery.rollout.steps, spec.delivery.rollback.to], ['deliver', [100], 'previous'])
  assert.equal(completeSpec(read(`${watched}level: gate`)).level, 'gate')
})

test('every kind of output has a metric without a unit, of text the first scorer', () => {
  for (const output of ['binary', 'multiclass', 'regression', 'ranking'])
    parse(ModelSpec, completeSpec(read(watched.replace('binary', output))), { code: 'invalid_file', what: output })
  const text = `${watched.replace('binary', 'text')}success: { scorers: [{ name: exact, kind: exact }] }`
  assert.equal(completeSpec(read(text)).success.quality.metric, 'exact')
})

test('a file that says everything stays as it is, to the order of its keys', () => {
  const folder = new URL('../../../../examples/flights/models/', import.meta.url)
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  assert.ok(names.length > 0)
  for (const name of names) {
    const file = read(readFileSync(new URL(name, folder), 'utf8'))
    assert.equal(JSON.stringify(completeSpec(file)), JSON.stringify(file))
    assert.deepEqual(toldDefaults(file), [])
  }
})

test('what stands in a short file is checked as in a whole one', () => {
  assert.throws(() => read(watched.replace('ann@team.example', 'x')), /owner/)
  assert.throws(() => read(`${watched}delivery: { rollout: { steps: [] } }`), /rollout/)
  assert.throws(() => read(`${watched}gloden: x`), /gloden/)
})
