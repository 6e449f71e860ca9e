import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { model } from '../../../test/support/trips.ts'
import { AppError } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import { begin } from './delivery.fixture.ts'
import * as delivery from './delivery.ts'
import * as store from './store.ts'

test('a model that is pinned at any moment before its release begins is not released', async (t) => {
  const { app, version } = await begin(t)
  const { ctx } = app
  const reason = 'rolled back meanwhile'
  const pin = () =>
    transaction(ctx, async (ctx) => {
      await store.savePin(ctx, { model, pinned: 1, reason, at: ctx.now().toISOString() })
      return store.openRollout(ctx, model)
    })
  for (let turns = 0, wasFirst = false; !wasFirst; turns = Math.ceil(turns * 1.2) + 1) {
    const released = delivery.release(ctx, { model, version, reason: 'better' }).catch((error: unknown) => error)
    for (let taken = 0; taken < turns; taken++) await turn()
    wasFirst = (await pin()) !== undefined
    const answer = await released
    if (wasFirst) assert.ok(!(answer instanceof Error), String(answer))
    else assert.ok(answer instanceof AppError && /it was pinned because/.test(answer.message), JSON.stringify(answer))
    await delivery.unpin(ctx, { model, reason: 'again' })
  }
})
