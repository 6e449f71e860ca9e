import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { day, hour } from '../../core/duration.ts'
import * as registry from '../registry/registry.ts'
import { completeSpec } from '../registry/spec/spec.ts'

const endpoint = 'shop'

/** A watched model with ten predictions of five users. */
async function watched(t: TestContext) {
  const server = await testServer(t)
  const { ctx, worker } = server.app
  await registry.applySpec(
    ctx,
    completeSpec({
      model: endpoint,
      owner: 'ann@team.example',
      backup: 'bob@team.example',
      purpose: 'What is offered next, for the people in the shop.',
      serves: { output: 'binary' },
      monitoring: { every: '1d', anchor: '2026-01-01T00:00:00Z' },
    }),
  )
  const at = new Date(ctx.now().getTime() - hour).toISOString()
  const predictions = Array.from({ length: 10 }, (_, index) => ({
    id: `p${index}`,
    at,
    output: 0.5,
    unit: index === 9 ? 'eva@team.example' : `u${index % 5}`,
    release: index < 5 ? 'r1' : 'r2',
  }))
  await server.client.serving.recordPredictions({ endpoint, predictions })
  const report = (outcomes: Parameters<typeof server.client.serving.recordOutcomes>[0]['outcomes']) =>
    server.client.serving.recordOutcomes({ endpoint, outcomes })
  const close = () => worker.advance(new Date(ctx.now().getTime() + 2 * day))
  const shown = async () => {
    const [window] = (await server.client.monitoring.series({ model: endpoint })).items
    return (window?.outcomes ?? []).map(({ outcome, release, mean, units, answers }) => [
      outcome,
      release,
      mean.value,
      mean.n,
      units,
      answers,
    ])
  }
  return { ...server, ctx, worker, at, report, close, shown }
}

test('outcomes of predictions and of units are in the window of each release, with n, units and answers', async (t) => {
  const { report, close, shown, at } = await watched(t)
  const answer = await report([
    { prediction: 'p0', name: 'thumbs', value: true },
    { prediction: 'p1', name: 'thumbs', value: false },
    { prediction: 'p7', name: 'thumbs', value: true },
    { id: 'o1', unit: 'u2', name: 'revenue', value: 30, at },
    { id: 'o2', unit: 'u2', name: 'revenue', value: 10, at },
    { id: 'o3', unit: 'eva@team.example', name: 'revenue', value: 7, at },
    { prediction: 'nobody', name: 'thumbs', value: true },
  ])
  assert.deepEqual(answer, { accepted: 7, replaced: 0 })
  await close()
  assert.deepEqual(await shown(), [
    ['revenue', 'r1', 20, 2, 1, 5],
    ['thumbs', 'r1', 0.5, 2, 2, 5],
    ['revenue', 'r2', 7, 1, 1, 5],
    ['thumbs', 'r2', 1, 1, 1, 5],
  ])
})

test('the same outcome sent again is one, a corrected one replaces it, and a late one reaches its closed window', async (t) => {
  const { report, close, shown, worker, ctx } = await watched(t)
  assert.deepEqual(await report([{ prediction: 'p0', name: 'thumbs', value: true }]), { accepted: 1, replaced: 0 })
  assert.deepEqual(await report([{ prediction: 'p0', name: 'thumbs', value: true }]), { accepted: 1, replaced: 1 })
  await close()
  assert.deepEqual(await shown(), [['thumbs', 'r1', 1, 1, 1, 5]])
  await report([
    { prediction: 'p0', name: 'thumbs', value: false },
    { prediction: 'p1', name: 'thumbs', value: 0 },
  ])
  await worker.advance(new Date(ctx.now().getTime() + 2 * hour))
  assert.deepEqual(await shown(), [['thumbs', 'r1', 0, 2, 2, 5]])
})

test('an outcome that belongs to nothing or cannot be meant is refused by row, and nothing of the batch is stored', async (t) => {
  const { report, client, close, shown } = await watched(t)
  const good = { prediction: 'p0', name: 'thumbs', value: true }
  const cases: [Parameters<typeof report>[0][number], RegExp][] = [
    [{ name: 'thumbs', value: true }, /row 2, column "prediction"/],
    [{ prediction: 'p1', unit: 'u1', name: 'thumbs', value: true }, /row 2, column "prediction"/],
    [{ unit: 'u1', name: 'thumbs', value: true }, /row 2, column "id": .* is missing/],
    [{ ...good, at: '2036-01-01' }, /row 2, column "at": .*lies more than a day ahead/],
  ]
  for (const [one, message] of cases) await assert.rejects(report([good, one]), message)
  await assert.rejects(report([{ ...good, value: Number.NaN }]), /value/)
  await assert.rejects(
    client.serving.recordOutcomes({ endpoint: 'nothing', outcomes: [good] }),
    /"nothing" does not exist/,
  )
  await close()
  assert.deepEqual(await shown(), [])
})
