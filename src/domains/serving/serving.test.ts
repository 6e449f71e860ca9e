import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { model, register, registered } from '../../../test/support/trips.ts'
import { until } from '../../../test/support/until.ts'
import type { ProblemError } from '../../client/client.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import { mergeSegments } from './log/segments.ts'
import { inCanary } from './rules.ts'
import * as serving from './serving.ts'

const inputs = { city: 'Bonn', good: 0.7, wrong: 0.3 }

/** An endpoint that answers with version 1, half of the traffic with version 2. */
async function begin(t: TestContext) {
  const { app, client } = await testServer(t, { from: registered })
  const [good, wrong] = [1, await register(app.ctx, 'wrong')]
  await registry.setBaseline(app.ctx, { model, value: 0.5 })
  const routing = {
    endpoint: model,
    live: { release: `${model}.r1`, version: good },
    canary: { release: `${model}.r2`, version: wrong, share: 0.5, salt: 's' },
    shadow: null,
    warm: [],
  }
  await serving.prepareRouting(app.ctx, routing)
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, routing))
  return { app, client, routing }
}

test('a unit keeps its arm, and a growing share only adds units to the canary', async (t) => {
  const { client } = await begin(t)
  const first = await client.serving.predict({ endpoint: model, inputs, unit: 'ana' })
  for (let again = 0; again < 5; again++)
    assert.equal((await client.serving.predict({ endpoint: model, inputs, unit: 'ana' })).release, first.release)
  const units = Array.from({ length: 500 }, (_, unit) => `u${unit}`)
  const at = (share: number) => units.filter((unit) => inCanary(unit, { share, salt: 's' }))
  assert.ok(at(0.2).every((unit) => at(0.6).includes(unit)))
})

test('what the model cannot read is refused by name', async (t) => {
  const { client } = await begin(t)
  const refused = async (given: Record<string, unknown>, pattern: RegExp) =>
    assert.rejects(client.serving.predict({ endpoint: model, inputs: given }), (error: ProblemError) => {
      assert.equal(error.problem.status, 400)
      assert.match(`${error.problem.detail} ${error.problem.hint}`, pattern)
      return true
    })
  await refused({ ...inputs, god: 1 }, /"god" is not known.*Did you mean "good"/)
  await refused({ city: 'Bonn', wrong: 0.3 }, /"good" is missing/)
  await refused({ ...inputs, good: 'high' }, /"good" must be a number/)
})

test('predictions are logged with the features they used, before and after they are on disk, and labels join them', async (t) => {
  const { app, client } = await begin(t)
  await client.serving.predict({ endpoint: model, id: 'one', inputs })
  const before = await client.serving.getPrediction({ prediction: 'one' })
  await serving.flushLog(app.ctx)
  assert.deepEqual(await client.serving.getPrediction({ prediction: 'one' }), before)
  assert.ok('city_late_1h' in before.inputs)
  assert.equal((await client.serving.label({ endpoint: model, labels: [{ id: 'one', value: 1 }] })).accepted, 1)
  await client.serving.label({ endpoint: model, labels: [{ id: 'one', value: 0 }] })
  assert.equal((await client.serving.getPrediction({ prediction: 'one' })).label, 0)
})

test('merging segments of the log changes nothing that is read', async (t) => {
  const { app, client } = await begin(t)
  for (let index = 0; index < 6; index++) {
    await client.serving.predict({ endpoint: model, id: `p${index}`, inputs })
    await serving.flushLog(app.ctx)
  }
  const read = () => serving.readLog(app.ctx, { endpoint: model, from: '' })
  const before = await read()
  assert.equal(before.length, 6)
  await mergeSegments(app.ctx, { endpoint: model })
  assert.deepEqual(await read(), before)
})

test('a shadow answers after the caller has been answered, and never instead', async (t) => {
  const { app, client, routing } = await begin(t)
  const shadowed = { ...routing, canary: null, shadow: { release: `${model}.r2`, version: 2 } }
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, shadowed))
  const answer = await client.serving.predict({ endpoint: model, id: 'both', inputs })
  assert.equal(answer.release, `${model}.r1`)
  const read = () => serving.readLog(app.ctx, { endpoint: model, from: '' })
  await until(async () => (await read()).length === 2, 'the answer of the shadow in the log')
  const rows = await read()
  assert.deepEqual(rows.map(({ arm, version }) => [arm, version]).sort(), [
    ['live', 1],
    ['shadow', 2],
  ])
})

test('an answer that is no probability is counted against its release, and the caller gets one that is', async (t) => {
  const { app, client, routing } = await begin(t)
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, { ...routing, canary: { ...routing.canary, share: 1 } }))
  const answer = await client.serving.predict({ endpoint: model, id: 'odd', inputs: { ...inputs, wrong: 7 } })
  assert.equal(answer.release, `${model}.r1`)
  const rows = await serving.readLog(app.ctx, { endpoint: model, from: '', release: `${model}.r2` })
  assert.equal(rows[0]?.bad, 'invalid')
})

test('a logged prediction is replayed on another version, with the features of its moment', async (t) => {
  const { client } = await begin(t)
  const answer = await client.serving.predict({ endpoint: model, id: 'again', inputs })
  const replay = await client.serving.replay({ prediction: 'again', version: 3 - answer.version })
  assert.deepEqual(replay.differing, [])
  assert.ok(Math.abs(Number(replay.output) - (answer.version === 1 ? 0.3 : 0.7)) < 1e-6)
})

test('the routing survives a restart, loaded before the first request', async (t) => {
  const { app, routing } = await begin(t)
  const { testApp } = await import('../../../test/support/context.ts')
  const stored = await serving.getRouting(app.ctx, model)
  assert.equal(stored?.live.version, routing.live.version)
  if (app.ctx.engine.name === 'postgres') return
  await app.close()
  const second = await testApp(t, { root: app.ctx.root })
  assert.deepEqual(serving.currentRouting(second.ctx, model), stored)
  assert.equal(serving.getEndpoint(second.ctx, { endpoint: model }).ready, true)
})

test('a share of the units is the same share in memory and on disk, and all of a unit or nothing', async (t) => {
  const { app, client } = await begin(t)
  for (let index = 0; index < 120; index++) {
    await client.serving.predict({ endpoint: model, inputs, id: `q${index}`, unit: `u${index % 60}` })
  }
  const period = { endpoint: model, from: '2000-01-01T00:00:00.000Z', to: '2199-01-01T00:00:00.000Z' }
  const some = async () =>
    (await serving.readLog(app.ctx, { ...period, sample: 0.5 }))
      .filter(({ arm }) => arm !== 'shadow')
      .map(({ id }) => id)
  const inMemory = await some()
  await serving.flushLog(app.ctx)
  assert.deepEqual(await some(), inMemory)
  assert.ok(inMemory.length > 30 && inMemory.length < 90, String(inMemory.length))
  const units = new Set(inMemory.map((id) => Number(id.slice(1)) % 60))
  assert.equal(inMemory.length, 2 * units.size)
  assert.equal(await serving.countLogged(app.ctx, period), 120)
})

test('a reader never misses what is being written to disk at that moment', async (t) => {
  const { app, client } = await begin(t)
  for (let round = 1; round <= 8; round++) {
    await client.serving.predict({ endpoint: model, id: `p${round}`, inputs })
    const reads: Promise<unknown[]>[] = []
    const flushed = serving.flushLog(app.ctx)
    let writing = true
    flushed.finally(() => {
      writing = false
    })
    while (writing) {
      reads.push(serving.readLog(app.ctx, { endpoint: model, from: '' }))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    for (const rows of await Promise.all(reads)) assert.equal(rows.length, round)
  }
})

test('Prometheus reads answers by release', async (t) => {
  const { client, app } = await begin(t)
  await client.serving.predict({ endpoint: model, inputs, unit: 'ana' })
  const reply = await app.server.inject({ method: 'GET', url: '/metrics', headers: { host: '127.0.0.1' } })
  assert.match(reply.body, /keel_predictions_total\{release="trip-late\.r[12]"\} 1/)
})

test('a shadow is compared with what callers got: disagreement with its interval, differences, latency, failures', async (t) => {
  const { app, client, routing } = await begin(t)
  const shadowed = { ...routing, canary: null, shadow: { release: `${model}.r2`, version: 2 } }
  await serving.prepareRouting(app.ctx, shadowed)
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, shadowed))
  const asked = [
    { good: 0.9, wrong: 0.1 },
    { good: 0.8, wrong: 0.6 },
    { good: 0.4, wrong: 0.45 },
    { good: 0.2, wrong: 2 },
  ]
  for (const [index, values] of asked.entries())
    await client.serving.predict({ endpoint: model, id: `p${index}`, inputs: { city: 'Bonn', ...values } })
  const report = async () => client.serving.shadow({ endpoint: model })
  await until(async () => (await report()).pairs === asked.length, 'all pairs in the report', { every: 1 })
  const { release, failed, disagreement, difference, latency, examples } = await report()
  assert.deepEqual([release, failed], [`${model}.r2`, 1], 'a probability of 2 is no answer')
  assert.deepEqual([disagreement.value, disagreement.n], [1 / 3, 3])
  assert.ok(Number(disagreement.lower) > 0.05 && Number(disagreement.upper) < 0.8)
  assert.ok(Math.abs(Number(difference.mean.value) - (-0.8 - 0.2 + 0.05) / 3) < 1e-6)
  assert.deepEqual([latency.caller.n, latency.shadow.n], [4, 4])
  assert.deepEqual(
    examples.map(({ id }) => id),
    ['p0'],
  )
})
