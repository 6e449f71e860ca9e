import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model, spec } from '../../../test/support/trips.ts'
import { begin } from '../delivery/delivery.fixture.ts'
import * as registry from '../registry/registry.ts'

test('a card says what waits for somebody: a rollout that holds, then the pin of a rollback', async (t) => {
  const { client, version, pass } = await begin(t)
  await client.registry.createModel({ name: 'another', kind: 'model' })
  const home = async () => {
    const { models, todo, sentence } = await client.review.status({})
    return {
      states: Object.fromEntries(models.map((card) => [card.model, card.state])),
      todo: todo.map(({ kind, command }) => `${kind}: ${command}`),
      sentence,
    }
  }
  assert.deepEqual(await home(), {
    states: { another: 'not_released', [model]: 'not_released' },
    todo: [],
    sentence: '2 models not released.',
  })
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  assert.equal((await home()).states[model], 'rolling_out')
  await pass(1.1, 0)
  assert.deepEqual(await home(), {
    states: { another: 'not_released', [model]: 'needs_you' },
    todo: [`rollout: keel rollout ${id}`],
    sentence: '1 needs you, 1 model not released.',
  })
  await client.delivery.promote({ release: id })
  assert.equal((await home()).states[model], 'cannot_tell')
  assert.equal((await home()).sentence, '1 model cannot be judged, 1 model not released.')
  await client.delivery.rollback({ model, reason: 'a doubt' })
  assert.deepEqual((await home()).todo, [`pin: keel unpin ${model} --reason "…"`])
  const { models } = await client.review.status({})
  const card = models.find((one) => one.model === model)
  assert.deepEqual([card?.state, card?.pinned, card?.release], ['needs_you', true, `${model}.r0`])
  assert.match(card?.headline ?? '', /^It is pinned after a rollback/)
})

test('a prompt that has a spec is in the status like any model, one without is a text', async (t) => {
  const { app, client } = await begin(t)
  await client.registry.createModel({ name: 'greeting', kind: 'prompt' })
  const provider = { url: 'http://127.0.0.1:9/v1', model: 'small' }
  await registry.applySpec(app.ctx, { ...spec, model: 'support', serves: { output: 'text', provider } })
  const { models } = await client.review.status({})
  assert.deepEqual(
    models.map((card) => card.model),
    ['support', model],
  )
})

test('a model shows its open rollout and what that needs, also when it waits for something else', async (t) => {
  const { client, version, pass, traffic, app } = await begin(t)
  const rollout = async () => (await client.review.status({})).models.find((card) => card.model === model)?.rollout
  assert.equal(await rollout(), null)
  const { id: release } = await client.delivery.release({ model, version, reason: 'first' })
  await traffic(10)
  await app.worker.drain()
  const shadow = await rollout()
  assert.deepEqual([shadow?.release, shadow?.version, shadow?.state, shadow?.share], [release, version, 'shadow', 0])
  assert.match(shadow?.needs ?? '', /^needs \d+ more answers; /)
  await pass(1.1, 0)
  const { state, rollout: held } = (await client.review.status({})).models.find((card) => card.model === model) ?? {}
  assert.deepEqual([state, held?.release, held?.state], ['needs_you', release, 'holding'])
})
