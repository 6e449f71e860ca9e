import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../../src/core/stats/random.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import { completeSpec } from '../../src/domains/registry/spec/spec.ts'
import { testServer } from '../support/context.ts'
import { temporaryFolder } from '../support/folder.ts'
import { typing } from '../support/typing.ts'

const model = 'churn'
const day = 86_400_000

test('a service that runs elsewhere is watched by eight lines: its answers are judged by their labels, and it pages when they are wrong', async (t) => {
  const { app, client, url } = await testServer(t)
  const spec = completeSpec({
    model,
    owner: 'ann@team.example',
    backup: 'bob@team.example',
    purpose: 'Who is likely to leave, for the people who call.',
    serves: { output: 'binary' },
    labels: { from: 'crm.churned', arrive_within: '1d' },
    monitoring: { every: '1d', min_rows: 100 },
  })
  await registry.applySpec(app.ctx, spec)
  const next = createRandom(4)
  const began = app.ctx.now().getTime()
  for (let index = 0; index < 5; index++) {
    const at = new Date(began + index * day)
    const wrong = index >= 3
    const rows = Array.from({ length: 400 }, (_, row) => ({ id: `${index}-${row}`, chance: next() }))
    await client.serving.recordPredictions({
      endpoint: model,
      predictions: rows.map(({ id, chance }) => ({
        id,
        at: at.toISOString(),
        output: chance,
        inputs: { age: 40 },
        release: wrong ? '2.0' : '1.0',
      })),
    })
    const labels = rows.map(({ id, chance }) => ({ id, value: Number(next() < (wrong ? chance / 3 : chance)) }))
    await client.serving.label({ endpoint: model, labels })
    await client.system.advanceClock({ to: new Date(began + (index + 1) * day).toISOString() })
    await app.worker.drain()
  }
  await client.system.advanceClock({ to: new Date(began + 8 * day).toISOString() })
  await app.worker.drain()
  const { items } = await client.monitoring.listAlerts({ model })
  const [alert] = items.filter(({ signal }) => signal === 'bias')
  assert.equal(alert?.release, '2.0', JSON.stringify(items.map(({ signal, release }) => [signal, release])))
  assert.equal(alert?.severity, 'page')
  const { shown, keel } = typing({ url, cwd: temporaryFolder(t) })
  assert.match(await shown('status'), /churn/)
  const drift = await keel('drift', model)
  assert.match(drift.stdout, /400 requests, 400 labelled/)
  // The service has told nothing since.
  assert.deepEqual(
    [drift.code, /Cannot tell: nothing was served from 2026-01-06/.test(drift.stdout)],
    [4, true],
    drift.stdout,
  )
})

test('old predictions that come later are counted in the windows that they belong to', async (t) => {
  const { app, client } = await testServer(t)
  await registry.applySpec(
    app.ctx,
    completeSpec({
      model,
      owner: 'ann@team.example',
      backup: 'bob@team.example',
      purpose: 'Who is likely to leave, for the people who call.',
      serves: { output: 'binary' },
      monitoring: { every: '1d', min_rows: 10 },
    }),
  )
  const began = app.ctx.now().getTime()
  const at = new Date(began + day / 2).toISOString()
  const send = (from: number, count: number) =>
    client.serving.recordPredictions({
      endpoint: model,
      predictions: Array.from({ length: count }, (_, index) => ({ id: `p${from + index}`, at, output: 0.5 })),
    })
  await send(0, 20)
  await client.system.advanceClock({ to: new Date(began + 3 * day).toISOString() })
  await app.worker.drain()
  const windows = async () => (await client.monitoring.drift({ model })).window?.requests
  assert.equal(await windows(), 20)
  await send(20, 30)
  await client.system.advanceClock({ to: new Date(began + 3 * day + 120_000).toISOString() })
  await app.worker.drain()
  assert.equal(await windows(), 50)
})
