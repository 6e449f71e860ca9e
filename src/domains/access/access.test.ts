import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { testStart } from '../../../test/support/snapshot.ts'
import { createClient, type ProblemError } from '../../client/client.ts'
import { routesOf } from '../../client/routes.ts'
import { type Api, api } from '../../contract.ts'
import { simulatedClock } from '../../core/clock.ts'
import { day } from '../../core/duration.ts'
import * as store from './store.ts'

test('a token signs its owner in with its role, until it is revoked', async (t) => {
  const { client, url } = await testServer(t)
  const created = await client.access.createToken({ name: 'ci', role: 'viewer' })
  const ci = createClient<Api>(routesOf(api), { url, token: created.token })
  assert.deepEqual(await ci.access.whoami({}), { name: 'ci', role: 'viewer', kind: 'token' })
  await assert.rejects(
    ci.access.createToken({ name: 'more', role: 'admin' }),
    (error: ProblemError) => error.problem.code === 'forbidden',
  )
  await client.access.revokeToken({ token: created.id })
  await assert.rejects(ci.access.whoami({}), (error: ProblemError) => error.problem.code === 'unauthenticated')
})

test('a token that another server revoked is refused a second later', async (t) => {
  let elapsed = 0
  const { app, client, url } = await testServer(t, { clock: { ...simulatedClock(testStart), elapsed: () => elapsed } })
  const { id, token } = await client.access.createToken({ name: 'ci', role: 'viewer' })
  const ci = createClient<Api>(routesOf(api), { url, token })
  await ci.access.whoami({})
  await store.updateToken(app.ctx, id, { revoked: true })
  elapsed = 999
  await ci.access.whoami({})
  elapsed = 1_000
  const refused = (error: ProblemError) => error.problem.code === 'unauthenticated'
  await assert.rejects(ci.access.whoami({}), refused)
})

test('a token expires', async (t) => {
  const { app, client, url } = await testServer(t)
  const { token } = await client.access.createToken({ name: 'ci', role: 'member', days: 1 })
  const ci = createClient<Api>(routesOf(api), { url, token })
  await client.system.advanceClock({ to: new Date(app.ctx.now().getTime() + day).toISOString() })
  await assert.rejects(ci.access.whoami({}), (error: ProblemError) => error.problem.code === 'unauthenticated')
})

test('the text of a token is stored nowhere', async (t) => {
  const { app, client } = await testServer(t)
  const { token } = await client.access.createToken({ name: 'ci', role: 'viewer' })
  const rows = await app.ctx.db.selectFrom('events').select('data').execute()
  const { items } = await client.access.listTokens({})
  assert.equal(JSON.stringify([rows, items]).includes(token), false)
})
