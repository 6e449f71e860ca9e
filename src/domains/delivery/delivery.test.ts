import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { testServer } from '../../../test/support/context.ts'
import { establish, model, register, tripAt } from '../../../test/support/trips.ts'
import type { ProblemError } from '../../client/client.ts'

const hour = 3_600_000

/** A server with a gated first version, and what tests do with it. */
async function begin(t: TestContext) {
  const { app, client } = await testServer(t)
  await establish(app.ctx)
  const version = await register(app.ctx, 'good')
  await client.evaluation.runGate({ model, version })
  let asked = 0

  async function traffic(requests: number): Promise<void> {
    for (let index = 0; index < requests; index++) {
      const { city, good, wrong } = tripAt(asked)
      await client.serving.predict({ endpoint: model, id: `p${asked}`, inputs: { city, good, wrong } })
      asked += 1
    }
  }
  async function pass(hours: number, requests: number): Promise<void> {
    await traffic(requests)
    await client.system.advanceClock({ to: new Date(app.ctx.now().getTime() + hours * hour).toISOString() })
  }
  /** Shadow and one step, each with enough traffic. */
  async function goLive(): Promise<void> {
    await pass(1.1, 60)
    await pass(1.1, 200)
  }
  return { app, client, version, traffic, pass, goLive }
}

test('a release without a gate is refused with everything that is missing', async (t) => {
  const { client, app } = await begin(t)
  const second = await register(app.ctx, 'good')
  await assert.rejects(client.delivery.release({ model, version: second, reason: 'now' }), (error: ProblemError) => {
    assert.equal(error.problem.code, 'refused_by_policy')
    assert.match(error.problem.detail, /keel gate trip-late@2/)
    return true
  })
  assert.deepEqual((await client.delivery.listReleases({ model })).items, [])
})

test('a release goes through shadow and a step to all of the traffic, and the alias "live" follows', async (t) => {
  const { client, version, goLive } = await begin(t)
  const release = await client.delivery.release({ model, version, reason: 'first' })
  assert.match(release.planDigest, /^sha256:/)
  await goLive()
  const rollout = await client.delivery.getRollout({ release: release.id })
  assert.equal(rollout.state, 'promoted', JSON.stringify(rollout.guards))
  assert.deepEqual((await client.registry.getModel({ model })).aliases, { live: 1 })
  const { spans } = await client.delivery.timeline({ model })
  assert.deepEqual(
    spans.map((span) => span.version),
    [0, 1],
  )
})

test('an aborted release was caught, its traffic is gone at once, and aborting twice is aborting once', async (t) => {
  const { client, version, pass, traffic } = await begin(t)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await pass(1.1, 60)
  await client.delivery.abort({ release: id, reason: 'a doubt' })
  const again = await client.delivery.abort({ release: id })
  assert.equal(again.state, 'rolled_back')
  assert.equal(again.history.filter(({ state }) => state === 'rolled_back').length, 1)
  await traffic(20)
  const { items } = await client.serving.listPredictions({ endpoint: model, limit: 20 })
  assert.ok(items.every((prediction) => prediction.release === `${model}.r0`))
})

test('a pause keeps the share, whatever the evidence, until it is resumed', async (t) => {
  const { client, version, pass } = await begin(t)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await pass(1.1, 60)
  await client.delivery.pause({ release: id })
  await pass(5, 300)
  assert.deepEqual(
    [
      (await client.delivery.getRollout({ release: id })).state,
      (await client.delivery.getRollout({ release: id })).share,
    ],
    ['paused', 0.5],
  )
  await client.delivery.resume({ release: id })
  await pass(5, 0)
  assert.equal((await client.delivery.getRollout({ release: id })).state, 'promoted')
})

test('a rollback puts the previous release back, pins the model, and is undone by naming the other', async (t) => {
  const { client, version, goLive } = await begin(t)
  await client.delivery.release({ model, version, reason: 'first' })
  await goLive()
  const back = await client.delivery.rollback({ model, reason: 'a doubt' })
  assert.deepEqual([back.release.version, back.pinned], [0, true])
  const answer = await client.serving.predict({ endpoint: model, inputs: { city: 'Bonn', good: 0.9, wrong: 0.1 } })
  assert.equal(answer.release, `${model}.r0`)
  await assert.rejects(client.delivery.release({ model, version, reason: 'again' }), /pinned/)
  const undone = await client.delivery.rollback({ model, to: back.replaced.id, reason: 'it was right' })
  assert.equal(undone.release.version, 1)
  assert.equal((await client.delivery.unpin({ model, reason: 'looked at it' })).pinned, false)
})

test('a drill measures both ways and leaves everything as it was', async (t) => {
  const { client, version, goLive } = await begin(t)
  await client.delivery.release({ model, version, reason: 'first' })
  await goLive()
  const before = await client.delivery.timeline({ model })
  const drill = await client.delivery.drill({ model })
  assert.equal(drill.passed, true)
  assert.deepEqual(await client.delivery.timeline({ model }), before)
  assert.equal((await client.serving.getEndpoint({ endpoint: model })).routing.live.version, 1)
  assert.deepEqual((await client.delivery.metrics({ model })).rollbackSeconds.drills, [drill.seconds])
})

test('whatever people do in whatever order: one release is live, the log agrees with the routing, and a rollback works', {
  timeout: 240_000,
}, async (t) => {
  const command = fc.constantFrom(
    'release',
    'pass',
    'promote',
    'pause',
    'resume',
    'abort',
    'rollback',
    'unpin',
    'drill',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 3, maxLength: 10 }), async (commands) => {
      const { app, client, version, pass } = await begin(t)
      await client.delivery.release({ model, version, reason: 'first' })
      const newest = async () => (await client.delivery.listReleases({ model })).items[0]?.id ?? ''
      const acts: Record<string, () => Promise<unknown>> = {
        release: () => client.delivery.release({ model, version, reason: 'again' }),
        pass: () => pass(1.1, 80),
        promote: async () => client.delivery.promote({ release: await newest() }),
        pause: async () => client.delivery.pause({ release: await newest() }),
        resume: async () => client.delivery.resume({ release: await newest() }),
        abort: async () => client.delivery.abort({ release: await newest() }),
        rollback: () => client.delivery.rollback({ model, reason: 'trial' }),
        unpin: () => client.delivery.unpin({ model, reason: 'trial' }),
        drill: () => client.delivery.drill({ model }),
      }
      for (const name of commands) {
        await acts[name]?.().catch((error: ProblemError) =>
          assert.ok((error.problem?.status ?? 500) < 500, `${name}: ${error.message}`),
        )
        const { routing } = await client.serving.getEndpoint({ endpoint: model })
        const { items } = await client.delivery.listReleases({ model })
        const live = items.filter(({ state }) => state === 'live')
        assert.deepEqual(
          live.map(({ id }) => id),
          [routing.live.release],
          `after ${name} of ${commands.join(' ')}`,
        )
        assert.equal((await client.delivery.timeline({ model })).spans.at(-1)?.release, routing.live.release)
        assert.ok(items.filter(({ state }) => state === 'rolling_out').length <= 1)
        await client.serving.predict({ endpoint: model, inputs: { city: 'Bonn', good: 0.5, wrong: 0.5 } })
      }
      await app.close()
    }),
    { numRuns: 8 },
  )
})
