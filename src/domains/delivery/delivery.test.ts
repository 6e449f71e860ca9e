import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inFull } from '../../../test/support/trials.ts'
import { model, register } from '../../../test/support/trips.ts'
import type { ProblemError } from '../../client/client.ts'
import { reactionsTo } from '../../core/background/deliver.ts'
import { digestOfJson } from '../../core/json/canonical.ts'
import { transaction } from '../../core/transaction.ts'
import { events } from '../../events.ts'
import { onEvent } from '../../reactions.ts'
import { begin } from './delivery.fixture.ts'
import * as delivery from './delivery.ts'
import { mayFollow, next, type State } from './rules.ts'
import type { DeliveryTables } from './schema.ts'
import * as store from './store.ts'

const states = Object.keys(next) as State[]

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

test('the log says what was live, and on what share, at any moment', async (t) => {
  const { app, client, version, pass } = await begin(t)
  const before = app.ctx.now().toISOString()
  await pass(0.1, 0)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await pass(1.1, 60)
  const during = app.ctx.now().toISOString()
  await pass(1.1, 200)
  const at = async (moment: string) => {
    const { live, canary } = await client.delivery.liveAt({ model, at: moment })
    return [live?.release ?? null, canary]
  }
  assert.deepEqual(await at(before), [null, null])
  assert.deepEqual(await at(during), [`${model}.r0`, { release: id, version, share: 0.5 }])
  assert.deepEqual(await at(app.ctx.now().toISOString()), [id, null])
})

test('a rollback asked for twice is one rollback: it never brings the bad release back', async (t) => {
  const { client, version, goLive, count } = await begin(t)
  await client.delivery.release({ model, version, reason: 'first' })
  await goLive()
  const once = await client.delivery.rollback({ model, reason: 'a doubt' })
  const twice = await client.delivery.rollback({ model, reason: 'a doubt' })
  assert.deepEqual(twice, once)
  assert.equal(await count('delivery.rolled_back'), 1)
  await client.delivery.unpin({ model, reason: 'looked at it' })
  await client.delivery.unpin({ model, reason: 'looked at it' })
  assert.equal(await count('delivery.unpinned'), 1)
})

test('every command of a rollout typed twice gives the same answer and no second event', async (t) => {
  const { client, version, count } = await begin(t)
  const { id: release } = await client.delivery.release({ model, version, reason: 'first' })
  assert.equal((await client.delivery.release({ model, version, reason: 'first' })).id, release)
  assert.equal(await count('delivery.release_created'), 1)
  const commands = [
    { act: () => client.delivery.pause({ release }), event: 'delivery.rollout_paused' },
    { act: () => client.delivery.resume({ release }), event: 'delivery.rollout_shadow' },
    { act: () => client.delivery.skip({ release, step: -1 }), event: 'delivery.step_started' },
    { act: () => client.delivery.promote({ release }), event: 'delivery.promoted' },
  ]
  for (const { act, event } of commands) {
    const once = await act()
    assert.deepEqual(await act(), once, event)
    assert.equal(await count(event), 1, event)
  }
  await assert.rejects(client.delivery.abort({ release }), /is over: promoted/)
})

test('every transition keeps who did it, why, and what the guards said', async (t) => {
  const { client, version, goLive } = await begin(t)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await goLive()
  const { history } = await client.delivery.getRollout({ release: id })
  assert.deepEqual(
    history.map(({ state, evidence }) => [state, evidence.map(({ guard }) => guard)]),
    [
      ['shadow', []],
      ['step', ['shadow answers']],
      ['promoted', ['sample ratio', 'bad answers: harm', 'bad answers: proven acceptable', 'quality']],
    ],
  )
  assert.ok(history.every(({ actor, reason }) => actor.length > 0 && reason.length > 0))
})

test('a plan that was changed after it was registered leads nowhere', async (t) => {
  const { app, client, version, pass } = await begin(t)
  const { id, plan } = await client.delivery.release({ model, version, reason: 'first' })
  await store.updateRelease(app.ctx, id, { plan: { ...plan, badRate: 0.99 } })
  await pass(1.1, 60)
  const { state, history } = await client.delivery.getRollout({ release: id })
  assert.equal(state, 'holding')
  assert.match(history.at(-1)?.reason ?? '', /not the one that was registered/)
})

test('a rollout whose plan an earlier version froze goes on under that plan, whose digest still holds', async (t) => {
  const { app, client, version, goLive } = await begin(t)
  const { id, plan } = await client.delivery.release({ model, version, reason: 'first' })
  const { nonInferiorityRatio, minimumEffect, minimumShadow, external, ...same } = plan
  const names = { worseBy: nonInferiorityRatio, practical: minimumEffect, fewestShadow: minimumShadow }
  const frozen = { ...same, ...names, elsewhere: external }
  await store.updateRelease(app.ctx, id, { plan: frozen, plan_digest: digestOfJson(frozen) })
  await goLive()
  assert.equal((await client.delivery.getRollout({ release: id })).state, 'promoted')
  const release = await client.delivery.getRelease({ release: id })
  assert.deepEqual([release.plan, release.planDigest], [frozen, digestOfJson(frozen)])
})

test('a newer release supersedes one that is under way, when it is told to', async (t) => {
  const { app, client, version, pass } = await begin(t)
  const first = await client.delivery.release({ model, version, reason: 'first' })
  await pass(1.1, 60)
  const second = await register(app.ctx, 'good')
  await client.evaluation.runGate({ model, version: second })
  await assert.rejects(client.delivery.release({ model, version: second, reason: 'better' }), /--supersede/)
  await client.delivery.release({ model, version: second, reason: 'better', supersede: true })
  assert.equal((await client.delivery.getRollout({ release: first.id })).state, 'superseded')
  const { routing } = await client.serving.getEndpoint({ endpoint: model })
  assert.deepEqual([routing.canary, routing.shadow?.version], [null, second])
})

test('a rollout is moved to the states that may follow its own, and to no others, whoever writes it', async (t) => {
  const { app, client, version } = await begin(t)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  const { ctx } = app
  for (const from of states)
    for (const to of states) {
      const rollout = await store.findRollout(ctx, id)
      assert.ok(rollout)
      await ctx.db.withTables<DeliveryTables>().updateTable('rollouts').set({ state: from }).execute()
      const moved = store.moveRollout(ctx, { ...rollout, state: from }, { state: to })
      if (mayFollow(from, to)) assert.equal(await moved, true, `${from} to ${to}`)
      else await assert.rejects(moved, { code: 'conflict', message: new RegExp(`from "${from}" to "${to}"`) })
      const { state } = await client.delivery.getRollout({ release: id })
      assert.equal(state, mayFollow(from, to) ? to : from)
    }
})

test('nothing follows a rollout that is over, and a pause ends before anything is held or awaited', () => {
  for (const over of ['promoted', 'rolled_back', 'superseded'] as const)
    for (const to of states) assert.equal(mayFollow(over, to), false, `${over} to ${to}`)
  assert.deepEqual(
    states.filter((to) => !mayFollow('paused', to)),
    ['holding', 'awaiting_approval', 'paused'],
  )
  assert.deepEqual(
    states.filter((to) => !mayFollow('step', to)),
    ['shadow'],
  )
})

test('releases that supersede at the same moment come one after the other: each has its number, one rolls out', async (t) => {
  const { client, version, count } = await begin(t)
  await client.delivery.release({ model, version, reason: 'first' })
  const wish = { model, version, supersede: true }
  const reasons = ['one', 'another', 'a third']
  const made = await Promise.all(reasons.map((reason) => client.delivery.release({ ...wish, reason })))
  assert.deepEqual(made.map(({ number }) => number).sort(), [2, 3, 4])
  assert.deepEqual(
    made.map(({ reason }) => reason),
    reasons,
  )
  const { items } = await client.delivery.listReleases({ model })
  assert.deepEqual(
    items.map(({ state }) => state),
    ['rolling_out', 'superseded', 'superseded', 'superseded', 'live'],
  )
  for (const { plan, id } of items.filter(({ number }) => number > 0)) assert.equal(plan['salt'], id)
  const { routing } = await client.serving.getEndpoint({ endpoint: model })
  assert.equal(routing.shadow?.release, items[0]?.id)
  assert.equal(await count('delivery.release_created'), 4)
})

test('the same release asked for by two people at the same moment is one release', async (t) => {
  const { client, version, count } = await begin(t)
  const made = await Promise.all(
    ['one', 'another'].map((reason) => client.delivery.release({ model, version, reason })),
  )
  assert.deepEqual(
    made.map(({ id }) => id),
    [`${model}.r1`, `${model}.r1`],
  )
  assert.equal(await count('delivery.release_created'), 1)
})

test('superseding a release by another of the same version leaves that version ready to answer', async (t) => {
  const { client, version, traffic } = await begin(t)
  await client.delivery.release({ model, version, reason: 'first' })
  const { id } = await client.delivery.release({ model, version, reason: 'once more', supersede: true })
  await client.delivery.promote({ release: id })
  await traffic(3)
  const { items } = await client.serving.listPredictions({ endpoint: model, limit: 3 })
  assert.deepEqual(
    items.map(({ release }) => release),
    [id, id, id],
  )
})

test('whatever people, crashes and repeated events do in whatever order: one release is live, and a rollback works', {
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
    'skip',
    'supersede',
    'tick',
    'again',
    'redeliver',
    'restart',
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
        skip: async () => client.delivery.skip({ release: await newest(), step: -1 }),
        supersede: () => client.delivery.release({ model, version, reason: 'again', supersede: true }),
        // A check that was handed out twice, or long after its time.
        tick: async () => {
          await Promise.all([1, 2].map(async () => delivery.tick(app.ctx, { release: await newest() })))
          await delivery.tick(app.ctx, { release: `${model}.r1` })
        },
        // Every event of the past is told once more, newest first.
        redeliver: async () => {
          const { items } = await client.system.events({ subject: `model/${model}`, limit: 1_000 })
          for (const event of items.reverse())
            for (const react of reactionsTo(app.ctx, { events, reactions: onEvent }, event))
              await transaction(app.ctx, (ctx) => react(ctx, event))
        },
        // What a new process does first, on the state that the old one left.
        restart: async () => {
          for (const step of [delivery.reconcileAll, delivery.resumeChecks]) await step(app.ctx)
          await app.worker.drain()
        },
      }
      let last = 'release'
      for (const drawn of commands) {
        const name = drawn === 'again' ? last : drawn
        last = name
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
        for (const { id } of items.filter(({ number }) => number > 0)) {
          const { history } = await client.delivery.getRollout({ release: id })
          for (const [index, { state }] of history.slice(1).entries()) {
            const before = history[index]?.state ?? ''
            assert.ok(mayFollow(before, state), `${before} then ${state}, after ${commands.join(' ')}`)
          }
        }
        await client.serving.predict({ endpoint: model, inputs: { city: 'Bonn', good: 0.5, wrong: 0.5 } })
      }
      await app.close()
    }),
    { numRuns: inFull ? 24 : 6 },
  )
})
