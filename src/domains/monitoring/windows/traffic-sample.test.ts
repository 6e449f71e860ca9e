import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model } from '../../../../test/support/trips.ts'
import { day } from '../../../core/duration.ts'
import { begin } from '../monitoring.fixture.ts'

test('each window hands evaluation what production asked and answered, without shadows', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  assert.equal((await client.evaluation.getTraffic({ model })).sample, null)
  await live(1)
  await settleWindows()
  const { sample } = await client.evaluation.getTraffic({ model })
  assert.deepEqual([sample?.model, sample?.rows], [model, 240])
  const days = (Date.parse(sample?.to ?? '') - Date.parse(sample?.from ?? '')) / day
  assert.equal(days, 28)
})
