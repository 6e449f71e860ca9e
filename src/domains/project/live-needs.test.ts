import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { model, spec, trips } from '../../../test/support/trips.ts'
import type { ProblemError } from '../../client/client.ts'
import { transaction } from '../../core/transaction.ts'
import { begin as beginChat, bot } from '../../protocols/openai/openai.fixture.ts'
import { begin } from '../delivery/delivery.fixture.ts'
import * as serving from '../serving/serving.ts'

const golden = { golden: 'trips-golden', file: 'golden/trips.csv', id: 'id', time: 'at', label: 'late' }
const vetted = { by: 'bo@team.example', on: '2025-01-01' }
const lateness = { feature: 'city_late_1h', fn: 'mean' as const, of: 'late', window: '1h' }
const features = {
  entities: [{ name: 'city', keys: ['city'] }],
  views: [{ name: 'city_trips', entity: 'city', source: 'trips', aggregates: [lateness] }],
  services: [
    {
      name: 'trip',
      request: [
        { name: 'city', type: 'string' as const },
        { name: 'good', type: 'number' as const },
        { name: 'wrong', type: 'number' as const },
      ],
      features: ['city_trips:city_late_1h'],
    },
  ],
}
const definitions = {
  project: 'trips',
  sources: [{ source: 'trips', owner: 'ana@team.example', vetted, time: 'at' }],
  features: [features],
  golden: [{ definition: golden, items: trips(200) }],
  models: [spec],
  pipelines: [],
}

async function live(t: TestContext) {
  const here = await begin(t)
  const { client, version, goLive } = here
  await client.delivery.release({ model, version, reason: 'first' })
  await goLive()
  /** What plan says of it, and apply refuses in the same words; nothing is written. */
  async function refusedTo(change: Partial<typeof definitions>): Promise<string[]> {
    const files = { ...definitions, ...change }
    const { refusals } = await client.project.plan(files)
    const before = (await client.system.events({})).items[0]?.seq
    if (refusals.length > 0)
      await assert.rejects(client.project.apply(files), ({ problem }: ProblemError) => {
        assert.deepEqual([problem.code, problem.name], ['refused_by_policy', refusals[0]?.release])
        for (const { detail } of refusals) assert.ok(problem.detail.includes(detail), detail)
        assert.equal(problem.hint, refusals[0]?.hint)
        return true
      })
    assert.equal((await client.system.events({})).items[0]?.seq, before)
    return refusals.map(({ detail }) => detail)
  }
  return { ...here, refusedTo }
}

const withSpec = (changed: Partial<typeof spec>) => ({ models: [{ ...spec, ...changed }] })

test('files that leave out what a live release reads are refused with its name, by plan and apply alike', async (t) => {
  const { client, refusedTo } = await live(t)
  const release = `"${model}.r1" (v1) is live and`
  assert.deepEqual(await refusedTo({}), [])
  assert.deepEqual(await refusedTo({ features: [{ ...features, services: [] }] }), [
    `${release} reads the feature service "trip", which these files take away.`,
  ])
  const narrower = {
    name: 'trip',
    features: ['city_trips:city_late_1h'],
    request: [{ name: 'city', type: 'string' as const }],
  }
  assert.deepEqual(await refusedTo({ features: [{ ...features, services: [narrower] }] }), [
    `${release} reads "good" of the feature service "trip", which these files take away.`,
  ])
  assert.deepEqual(await refusedTo(withSpec({ golden: 'another', level: 'watch' })), [
    `${release} is judged on the golden set "trips-golden", which its spec names no more ("another" does not exist).`,
  ])
  const act = { command: ['./deploy.sh'] }
  const external = { deploy: act, rollback: act }
  assert.match(
    (await refusedTo(withSpec({ delivery: { ...spec.delivery, external } })))[0] ?? '',
    /^"trip-late\.r1" \(v1\) is live and its traffic goes through this server, which these files end\.$/,
  )
  assert.match(
    (
      await refusedTo(
        withSpec({
          serves: { ...spec.serves, upstream: { protocol: 'oip', urls: ['https://m.example'], key: 'NO_SUCH_KEY' } },
        }),
      )
    )[0] ?? '',
    /is live and needs a key that it would not get: .*NO_SUCH_KEY/,
  )
  const other = { ...spec.success.quality, margin: 0.1 }
  assert.deepEqual(await refusedTo(withSpec({ success: { quality: other } })), [])
  assert.equal(
    (await client.serving.predict({ endpoint: model, inputs: { city: 'Bonn', good: 0.9, wrong: 0.1 } })).release,
    `${model}.r1`,
  )
})

test('files may leave out what only releases read that nobody goes back to', async (t) => {
  const { client, app, refusedTo } = await live(t)
  const wider = { features: [{ ...features, services: [] }] }
  assert.equal((await refusedTo(wider)).length, 1)
  const constant = { release: `${model}.r0`, version: 0 }
  await transaction(app.ctx, (ctx) =>
    serving.setRouting(ctx, { endpoint: model, live: constant, canary: null, shadow: null, warm: [] }),
  )
  assert.deepEqual(await refusedTo(wider), [])
  await client.project.apply({ ...definitions, ...wider })
})

test('a prompt that is live keeps who answers it', async (t) => {
  const { client } = await beginChat(t)
  const { spec: prompt } = await client.registry.getModel({ model: bot })
  assert.ok(prompt)
  const declared = { ...definitions, sources: [], features: [], golden: [{ definition: golden, items: trips(20) }] }
  const { refusals } = await client.project.plan({ ...declared, models: [{ ...prompt, serves: { output: 'text' } }] })
  assert.deepEqual(refusals, [
    {
      model: bot,
      release: `${bot}.r1`,
      detail: `"${bot}.r1" (v1) is live and is a prompt, and "serves.provider", which answers it, is gone.`,
      hint: `Leave that in the files as it was, or release a version that does without it first: keel release ${bot}@<version> --reason "…".`,
    },
  ])
})
