import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { testServer } from '../../../test/support/context.ts'
import { model, registered } from '../../../test/support/trips.ts'
import type { ProblemError } from '../../client/client.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import { type Case, groupFailures } from './rules.ts'

/** A live model that is wrong about Ulm: it says the chance is .9, and it never happens there. */
async function begin(t: TestContext) {
  const { app, client } = await testServer(t, { from: registered })
  const version = 1
  await registry.setBaseline(app.ctx, { model, value: 0.5 })
  const routing = {
    endpoint: model,
    live: { release: `${model}.r1`, version },
    canary: null,
    shadow: null,
    warm: [],
  }
  await serving.prepareRouting(app.ctx, routing)
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, routing))
  const labels = []
  for (let index = 0; index < 240; index++) {
    const city = index % 2 === 0 ? 'Bonn' : 'Ulm'
    await serving.predict(app.ctx, { endpoint: model, id: `p${index}`, inputs: { city, good: 0.9, wrong: 0.1 } })
    labels.push({ id: `p${index}`, value: city === 'Bonn' ? 1 : 0 })
  }
  await client.serving.label({ endpoint: model, labels })
  return { app, client }
}

test('wrong answers are grouped by what they share, with their rate, n and interval', async (t) => {
  const { client } = await begin(t)
  const { items } = await client.review.listFailures({ model })
  const [ulm] = items
  assert.deepEqual(ulm?.slice, { city: 'Ulm' })
  assert.deepEqual([ulm?.cases, ulm?.exposure, ulm?.overallErrorRate, ulm?.excess], [120, 120, 0.5, 60])
  assert.equal(ulm?.errorRate.n, 120)
  assert.ok((ulm?.errorRate.lower ?? 0) > 0.95)
  assert.deepEqual(ulm?.releases, [`${model}.r1`])
  assert.equal(ulm?.state, 'new')
  assert.equal((await client.review.listFailures({ model })).items[0]?.state, 'ongoing')
})

test('a group keeps its root cause, and the guardrail that should have caught it', async (t) => {
  const { client } = await begin(t)
  const [ulm] = (await client.review.listFailures({ model })).items
  const failure = ulm?.id ?? ''
  await client.review.codeFailure({ failure, code: 'eval.golden_gap', shouldHaveCaught: 'eval' })
  const [again] = (await client.review.listFailures({ model })).items
  assert.deepEqual([again?.id, again?.code, again?.shouldHaveCaught], [failure, 'eval.golden_gap', 'eval'])
  await assert.rejects(client.review.codeFailure({ failure, code: 'eval.golden_gab' }), (error: ProblemError) => {
    assert.equal(error.problem.status, 400)
    assert.match(`${error.problem.detail} ${error.problem.hint}`, /"eval.golden_gab".*"eval.golden_gap"/)
    return true
  })
})

test('examples of a group become items of a new version of the golden set, once each', async (t) => {
  const { client } = await begin(t)
  const [ulm] = (await client.review.listFailures({ model })).items
  const before = await client.evaluation.getGolden({ golden: 'trips-golden' })
  const added = await client.review.addToGolden({ failure: ulm?.id ?? '', examples: 3 })
  assert.deepEqual([added.version, added.added], [before.version + 1, 3])
  const after = await client.evaluation.getGolden({ golden: 'trips-golden' })
  assert.equal(after.items, before.items + 3)
  await client.review.addToGolden({ failure: ulm?.id ?? '', examples: 3 }).catch((error: ProblemError) => {
    assert.ok(error.problem.status < 500, String(error))
  })
  assert.equal((await client.evaluation.getGolden({ golden: 'trips-golden' })).items, after.items)
})

test('groups of failures are those that a count by hand gives', () => {
  const one = fc.record({ city: fc.constantFrom('A', 'B', 'C'), wrong: fc.boolean() })
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 600 }), (rows) => {
      const cases = rows.map(
        ({ city, wrong }, index): Case => ({ id: `${index}`, at: '', release: 'r1', wrong, slice: { city } }),
      )
      const { groups, overall } = groupFailures(cases)
      assert.equal(overall, cases.filter(({ wrong }) => wrong).length / cases.length)
      for (const group of groups) {
        const inside = cases.filter(({ slice }) => slice['city'] === group.slice['city'])
        const wrong = inside.filter((one) => one.wrong)
        assert.deepEqual([group.exposure, group.cases], [inside.length, wrong.length])
        assert.ok(Math.abs(group.excess - (wrong.length - overall * inside.length)) < 1e-9)
        assert.ok(group.exposure >= 100 && group.excess >= 10)
      }
    }),
    { numRuns: 50 },
  )
})

test('a decision keeps who, what, why and its evidence, and is listed with what the log already knows', async (t) => {
  const { client } = await testServer(t)
  const made = await client.review.decide({
    what: 'Keep the margin',
    reason: 'Two weeks of labels only',
    evidence: 'gate_1',
  })
  assert.equal(made.actor, 'local')
  assert.deepEqual((await client.review.listDecisions({})).items, [made])
  await assert.rejects(
    client.review.decide({ what: 'x', reason: 'y' }),
    (error: ProblemError) => error.problem.status === 400,
  )
})

test('readiness is the lowest of its four sections, and every test names its evidence', async (t) => {
  const { client } = await begin(t)
  const { score, sections, tests } = await client.review.readiness({ model })
  assert.equal(tests.length, 28)
  assert.equal(score, Math.min(...Object.values(sections)))
  for (const one of tests) assert.ok(one.evidence.length > 0, `${one.test} has no evidence`)
  for (const [section, points] of Object.entries(sections)) {
    const sum = tests.filter((one) => one.section === section).reduce((total, one) => total + one.points, 0)
    assert.ok(Math.abs(points - sum) < 1e-9)
  }
})

test('the home sentence counts models, and an empty server says what to do first', async (t) => {
  const { client } = await testServer(t)
  const empty = await client.review.status({})
  assert.deepEqual([empty.models, empty.todo, empty.steady, empty.needYou], [[], [], 0, 0])
  assert.ok(empty.sentence.length > 0)
})
