import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model } from '../../../../test/support/trips.ts'
import { begin } from '../monitoring.fixture.ts'

test('a window says which share of its answers is marked and how often with what, and classes for probabilities go to the digest', async (t) => {
  const { live, settleWindows, client } = await begin(t)
  await live(1, { good: (index) => index % 2 })
  await settleWindows()
  const { items } = await client.monitoring.series({ model })
  const [window] = items
  assert.deepEqual(window?.marks, { class_for_probability: 240 - 29 })
  assert.deepEqual([window?.markedRate?.value, window?.markedRate?.n], [(240 - 29) / 240, 240])
  const alerts = (await client.monitoring.listAlerts({ model })).items
  const alert = alerts.find(({ subject }) => subject === 'class_for_probability')
  assert.equal(alert?.severity, 'digest', JSON.stringify(alerts.map(({ signal, subject }) => [signal, subject])))
  assert.match(alert?.summary ?? '', /Each of 240 answers was 0 or 1/)
})

test('probabilities are marked as nothing', async (t) => {
  const { live, settleWindows, client } = await begin(t)
  await live(1)
  await settleWindows()
  const [window] = (await client.monitoring.series({ model })).items
  assert.deepEqual([window?.marks, window?.markedRate?.value], [{}, 0])
  assert.equal((await client.monitoring.listAlerts({ model })).items.length, 0)
})
