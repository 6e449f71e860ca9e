import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { testServer } from '../../../test/support/context.ts'
import { model, spec, trips } from '../../../test/support/trips.ts'
import type { ProblemError } from '../../client/client.ts'
import { digestOfJson } from '../../core/json/canonical.ts'
import { differences } from './rules.ts'

const golden = { golden: 'trips-golden', file: 'golden/trips.csv', id: 'id', time: 'at', label: 'late' }

const definitions = {
  project: 'trips',
  sources: [{ source: 'trips', owner: 'ana@team.example', time: 'at' }],
  features: [
    {
      entities: [{ name: 'city', keys: ['city'] }],
      views: [
        {
          name: 'city_trips',
          entity: 'city',
          source: 'trips',
          aggregates: [{ feature: 'city_late_1h', fn: 'mean' as const, of: 'late', window: '1h' }],
        },
      ],
      services: [
        { name: 'trip', request: [{ name: 'city', type: 'string' as const }], features: ['city_trips:city_late_1h'] },
      ],
    },
  ],
  golden: [{ definition: golden, items: trips(20) }],
  models: [spec],
  pipelines: [{ pipeline: 'train', steps: [{ name: 'a', run: 'true' }] }],
}

const begin = async (t: TestContext) => (await testServer(t)).client

const actions = (plan: { changes: { kind: string; action: string }[] }) =>
  Object.fromEntries(plan.changes.map(({ kind, action }) => [kind, action]))

test('a plan says what would change and who is touched, and changes nothing', async (t) => {
  const client = await begin(t)
  const plan = await client.project.plan(definitions)
  assert.deepEqual(actions(plan), {
    source: 'create',
    features: 'create',
    golden: 'create',
    model: 'create',
    pipeline: 'create',
  })
  assert.deepEqual(plan.changes.find(({ kind }) => kind === 'golden')?.touches, [model])
  assert.deepEqual((await client.datasets.listSources({})).items, [])
})

test('applied twice, the second time nothing is left to do', async (t) => {
  const client = await begin(t)
  await client.project.apply(definitions)
  const before = (await client.system.events({})).items[0]?.seq
  const again = await client.project.apply(definitions)
  assert.deepEqual(new Set(Object.values(actions(again))), new Set(['unchanged']))
  assert.equal((await client.system.events({})).items[0]?.seq, before)
})

test('a change is told by its path, with its value before and now', async (t) => {
  const client = await begin(t)
  await client.project.apply(definitions)
  const slower = { ...spec, delivery: { ...spec.delivery, rollout: { ...spec.delivery.rollout, bake: '2h' } } }
  const plan = await client.project.plan({ ...definitions, models: [slower] })
  const change = plan.changes.find(({ kind }) => kind === 'model')
  assert.deepEqual([change?.action, change?.differences], ['update', ['delivery.rollout.bake: "1h" -> "2h"']])
})

const act = { command: ['./deploy.sh'] }
const external = { deploy: act, rollback: act }
const withDelivery = (changed: Partial<typeof spec.delivery>) => ({
  ...definitions,
  models: [{ ...spec, delivery: { ...spec.delivery, ...changed } }],
})

test('the old name "elsewhere" is read as "external", and plan and apply say once what to write instead', async (t) => {
  const client = await begin(t)
  const notices = [
    'models/trip-late.yaml: write "delivery.external" instead of "delivery.elsewhere" (it is still read).',
  ]
  const old = withDelivery({ elsewhere: external })
  assert.deepEqual((await client.project.plan(old)).notices, notices)
  assert.deepEqual((await client.project.apply(old)).notices, notices)
  const stored = await client.registry.getModel({ model })
  assert.deepEqual([stored.spec?.delivery.external, stored.spec?.delivery.elsewhere], [external, undefined])
  const renamed = await client.project.apply(withDelivery({ external }))
  assert.deepEqual([actions(renamed)['model'], renamed.notices], ['unchanged', []])
  const both = withDelivery({ external, elsewhere: { ...external, environment: ['HOME'] } })
  const planned = await client.project.plan(both)
  assert.deepEqual([actions(planned)['model'], planned.notices.length], ['unchanged', 1])
  assert.match(planned.notices[0] ?? '', /it is ignored/)
})

test('a spec that was stored under the old name is read, keeps its version and its gate when the file is renamed', async (t) => {
  const { app, client } = await testServer(t)
  await client.project.apply(withDelivery({ external }))
  const { spec: now } = await client.registry.getModel({ model })
  assert.ok(now)
  const { external: given, ...delivery } = now.delivery
  const stored = { ...now, delivery: { ...delivery, elsewhere: given } }
  await app.ctx.db
    .withTables<{ specs: { spec: string; digest: string } }>()
    .updateTable('specs')
    .set({ spec: JSON.stringify(stored), digest: digestOfJson(stored) })
    .execute()
  const read = await client.registry.getModel({ model })
  assert.deepEqual(read.spec, now)
  await client.project.apply(withDelivery({ external }))
  assert.equal((await client.registry.getModel({ model })).specVersion, read.specVersion)
})

test('a plan that was made before somebody else applied is refused, and nothing is stored', async (t) => {
  const client = await begin(t)
  const { digest } = await client.project.plan(definitions)
  await client.project.apply({ ...definitions, pipelines: [], models: [], golden: [] })
  await assert.rejects(client.project.apply({ ...definitions, expected: digest }), (error: ProblemError) => {
    assert.equal(error.problem.status, 409)
    assert.match(error.problem.hint ?? '', /keel plan/)
    return true
  })
  assert.deepEqual((await client.pipelines.list({})).items, [])
})

test('all or nothing: a definition that cannot be takes the others with it', async (t) => {
  const client = await begin(t)
  const steps = [{ name: 'a', run: 'true', needs: ['nothing'] }]
  await assert.rejects(
    client.project.apply({ ...definitions, pipelines: [{ pipeline: 'train', steps }] }),
    (error: ProblemError) => error.problem.status === 400,
  )
  assert.deepEqual((await client.datasets.listSources({})).items, [])
  assert.deepEqual((await client.registry.listModels({})).items, [])
})

test('a name used twice, or one that points nowhere, is refused by name', async (t) => {
  const client = await begin(t)
  const refused = (input: typeof definitions, pattern: RegExp) =>
    assert.rejects(client.project.plan(input), (error: ProblemError) => {
      assert.equal(error.problem.status, 400)
      assert.match(error.problem.detail, pattern)
      return true
    })
  await refused({ ...definitions, models: [spec, spec] }, /"trip-late" is defined twice/)
  await refused({ ...definitions, golden: [] }, /"trips-golden", which keel.yaml does not declare/)
})

test('a source of labels or predictions that nobody declared is refused by name, with the one that was meant', async (t) => {
  const client = await begin(t)
  const refused = (more: object, said: RegExp) =>
    assert.rejects(client.project.plan({ ...definitions, models: [{ ...spec, ...more }] }), said)
  await refused({ predictions: { from: 'trip' } }, /names the source "trip", which no file declares/)
  await refused({ labels: { from: 'trip.late', id: 'id', arrive_within: '1d' } }, /names the source "trip"/)
  await refused(
    { labels: { from: 'trips.late', id: 'id', by: ['city'], arrive_within: '1d' } },
    /"id" and by "by" at once/,
  )
  const good = { predictions: { from: 'trips' }, labels: { from: 'trips.late', by: ['city'], arrive_within: '1d' } }
  const plan = await client.project.plan({ ...definitions, models: [{ ...spec, ...good }] })
  assert.deepEqual(plan.changes.find(({ kind }) => kind === 'source')?.touches, [model])
})

test('a golden set that was pushed need not be in a file', async (t) => {
  const client = await begin(t)
  const [golden] = definitions.golden
  assert.ok(golden)
  await client.evaluation.pushGolden({ golden: golden.definition.golden, ...golden })
  const { changes } = await client.project.plan({ ...definitions, golden: [] })
  assert.deepEqual(
    changes.filter(({ kind }) => kind === 'golden' || kind === 'model').map(({ name, action }) => [name, action]),
    [['trip-late', 'create']],
  )
})

test('differences of equal values are none, and of others name every leaf that differs', () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean())
  const values = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), leaf, { maxKeys: 6 })
  fc.assert(
    fc.property(values, values, (before, after) => {
      const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
      const differing = keys.filter((key) => before[key] !== after[key]).sort()
      assert.deepEqual(
        differences(before, after).map((line) => line.split(':')[0]),
        differing,
      )
      assert.deepEqual(differences({ in: before }, { in: { ...before } }), [])
    }),
  )
})
