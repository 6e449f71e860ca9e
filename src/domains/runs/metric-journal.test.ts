import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { keelRunning } from '../../../test/support/keel.ts'
import * as runs from './runs.ts'

async function call(url: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/api/2.0/mlflow/${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(response.status, 200, `${path}: ${response.status}`)
  return (await response.json()) as Record<string, unknown>
}

test('metrics that were acknowledged are there after kill -9', async (t) => {
  const cwd = temporaryFolder(t)
  const until = /"url":"(http:[^"]+)"/
  const first = await keelRunning(t, ['up', '--port', '0', '--json'], { cwd, until })
  const url = until.exec(first.printed())?.[1] ?? ''
  const { run } = (await call(url, 'runs/create', { experiment_id: '0' })) as { run: { info: { run_id: string } } }
  const run_id = run.info.run_id
  await Promise.all(
    Array.from({ length: 300 }, (_, step) =>
      call(url, 'runs/log-metric', { run_id, key: 'loss', value: step / 2, timestamp: 1000 + step, step }),
    ),
  )
  first.child.kill('SIGKILL')
  await first.ended

  const second = await keelRunning(t, ['up', '--port', '0', '--json'], { cwd, until })
  const again = until.exec(second.printed())?.[1] ?? ''
  const { metrics } = (await call(again, `metrics/get-history?run_id=${run_id}&metric_key=loss`)) as {
    metrics: { step: number; value: number }[]
  }
  assert.deepEqual(
    metrics.map(({ step, value }) => [step, value]),
    Array.from({ length: 300 }, (_, step) => [step, step / 2]),
  )
})

test('whoever reads sees what was logged a moment ago, in a transaction too', async (t) => {
  const ctx = await testContext(t)
  const { id } = await runs.recordRun(ctx, { experimentId: '0' })
  for (let step = 0; step < 5; step++) {
    await runs.log(ctx, { run: id, metrics: [{ key: 'loss', value: step, step, at: step }] })
    const { metrics } = await runs.getRecord(ctx, id)
    assert.deepEqual(metrics, [{ key: 'loss', value: step, step, at: step }])
  }
  const { records } = await runs.findRecords(ctx, {
    experiments: [0],
    view: 'active',
    conditions: [{ on: 'metric', key: 'loss', operator: '=', value: 4 }],
    order: [],
    limit: 10,
  })
  assert.deepEqual(
    records.map((record) => record.id),
    [id],
  )
})
