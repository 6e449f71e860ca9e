import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testApp } from '../../../test/support/context.ts'
import { testStart } from '../../../test/support/snapshot.ts'
import type { App } from '../../app.ts'
import { type Clock, simulatedClock } from '../../core/clock.ts'
import { day } from '../../core/duration.ts'

const away = { host: 'keel.example', origin: 'http://keel.example' }
const password = 'four quiet winter mornings'

type Reply = { status: number; body: Record<string, unknown>; cookie: string | undefined; wait: unknown }

/** A server beyond its own machine, and how somebody far away asks it. */
async function server(t: TestContext, clock: Clock = simulatedClock(testStart)) {
  const app = await testApp(t, { settings: { host: '0.0.0.0' }, clock })
  async function ask(path: string, body?: object, headers: Record<string, string> = {}, method?: 'DELETE' | 'PATCH') {
    const reply = await app.server.inject({
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      url: `/api/v1${path}`,
      remoteAddress: '192.0.2.1',
      headers: { ...away, ...headers },
      ...(body === undefined ? {} : { payload: body }),
    })
    const cookie = reply.headers['set-cookie']
    const wait = reply.headers['retry-after']
    return { status: reply.statusCode, body: reply.json(), cookie: cookie?.toString(), wait } as Reply
  }
  const { createToken } = await import('./access.ts')
  const { token } = await createToken(app.ctx, { name: 'root', role: 'admin' })
  const admin = { authorization: `Bearer ${token}` }

  async function join(name: string, role: string) {
    const invited = await ask('/invitations', { name, role }, admin)
    assert.equal(invited.status, 200, JSON.stringify(invited.body))
    const text = String(invited.body['link']).split('#')[1]
    const accepted = await ask('/invitations/accept', { text, password })
    assert.equal(accepted.status, 200, JSON.stringify(accepted.body))
    return { text, cookie: cookieOf(accepted) }
  }
  return { app, ask, admin, join }
}

function cookieOf({ cookie }: Reply): Record<string, string> {
  assert.match(cookie ?? '', /^keel_session=session_[\w-]+; .*HttpOnly.*SameSite=Lax/i)
  return { cookie: String(cookie).split(';')[0] ?? '' }
}

const codeOf = ({ status, body }: Reply) => [status, body['code']]

test('who is invited takes a password by the link once, and is signed in as what the invitation says', async (t) => {
  const { ask, join } = await server(t)
  const { text, cookie } = await join('mara', 'member')
  const { body } = await ask('/whoami', undefined, cookie)
  assert.deepEqual(body, { name: 'mara', role: 'member', kind: 'user' })
  assert.deepEqual(codeOf(await ask('/invitations/accept', { text, password })), [401, 'unauthenticated'])
})

test('a session ends when its user signs out, is ended by an admin, or lies idle for a week', async (t) => {
  const { app, ask, admin, join } = await server(t)
  const { cookie } = await join('mara', 'member')
  const second = cookieOf(await ask('/sign-in', { name: 'mara', password }))
  const out = await ask('/sign-out', {}, cookie)
  assert.match(out.cookie ?? '', /^keel_session=; Max-Age=0/)
  assert.equal((await ask('/whoami', undefined, cookie)).status, 401)

  const { body } = await ask('/sessions?all=true', undefined, admin)
  const [session] = body['items'] as { id: string }[]
  assert.equal((await ask(`/sessions/${session?.id}`, undefined, admin, 'DELETE')).status, 200)
  assert.equal((await ask('/whoami', undefined, second)).status, 401)

  const third = cookieOf(await ask('/sign-in', { name: 'mara', password }))
  app.ctx.clock.set(new Date(app.ctx.now().getTime() + 8 * day))
  assert.equal((await ask('/whoami', undefined, third)).status, 401)
})

test('a session changes nothing from another page, nor where no browser says which page asks', async (t) => {
  const { app, ask, join } = await server(t)
  const { cookie } = await join('mara', 'member')
  const elsewhere = await ask('/sign-out', {}, { ...cookie, origin: 'https://evil.example' })
  assert.deepEqual(codeOf(elsewhere), [403, 'untrusted_origin'])
  const silent = await app.server.inject({
    method: 'POST',
    url: '/api/v1/sign-out',
    remoteAddress: '192.0.2.1',
    headers: { host: 'keel.example', ...cookie },
    payload: {},
  })
  assert.equal(silent.statusCode, 403)
  assert.equal((await ask('/whoami', undefined, cookie)).status, 200)
})

test('a wrong password and an unknown name are refused alike, and after five the name has to wait', async (t) => {
  let elapsed = 0
  const { ask, join } = await server(t, { ...simulatedClock(testStart), elapsed: () => elapsed })
  await join('mara', 'member')
  const details = []
  for (const name of ['mara', 'nobody']) {
    const { status, body } = await ask('/sign-in', { name, password: 'not the right one' })
    details.push([status, body['detail']])
  }
  assert.deepEqual(details[0], details[1])
  for (let attempt = 0; attempt < 4; attempt += 1)
    assert.equal((await ask('/sign-in', { name: 'mara', password: 'not the right one' })).status, 401)
  const late = await ask('/sign-in', { name: 'MARA', password })
  assert.deepEqual(codeOf(late), [429, 'too_many_requests'])
  assert.equal(late.wait, '1')
  elapsed = 1_000
  assert.equal((await ask('/sign-in', { name: 'mara', password })).status, 200)
})

test('a password that is short, repeats itself or is the name is refused before anything is stored', async (t) => {
  const { ask, admin } = await server(t)
  const { body } = await ask('/invitations', { name: 'maraschino', role: 'viewer' }, admin)
  const text = String(body['link']).split('#')[1]
  for (const weak of ['short', 'aaaaaaaaaaaaaaaa', 'maraschino-99'])
    assert.deepEqual(codeOf(await ask('/invitations/accept', { text, password: weak })), [400, 'invalid_input'], weak)
  assert.deepEqual((await ask('/users', undefined, admin)).body['items'], [])
})

test('a blocked user is signed out at once with all tokens, and the last admin cannot be blocked', async (t) => {
  const { ask, admin, join } = await server(t)
  const mara = await join('mara', 'admin')
  const bo = await join('bo', 'member')
  const { body } = await ask('/tokens', { name: 'laptop', role: 'member' }, bo.cookie)
  const token = { authorization: `Bearer ${body['token']}` }
  assert.deepEqual((await ask('/whoami', undefined, token)).body['name'], 'bo/laptop')
  assert.equal((await ask('/users/bo', { active: false }, mara.cookie, 'PATCH')).status, 200)
  assert.equal((await ask('/whoami', undefined, bo.cookie)).status, 401)
  assert.deepEqual(codeOf(await ask('/users/mara', { active: false }, admin, 'PATCH')), [409, 'conflict'])
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  assert.equal((await ask('/whoami', undefined, token)).status, 401)
})

test('nobody makes a token that may do more than its maker, and one with scopes calls nothing else', async (t) => {
  const { ask, admin, join } = await server(t)
  const { cookie } = await join('mara', 'member')
  assert.deepEqual(codeOf(await ask('/tokens', { name: 'x', role: 'admin' }, cookie)), [403, 'forbidden'])
  assert.deepEqual(codeOf(await ask('/tokens', { name: 'x', role: 'viewer', service: true }, cookie)), [
    403,
    'forbidden',
  ])
  const { body } = await ask(
    '/tokens',
    { name: 'scorer', role: 'admin', service: true, scopes: ['access.whoami', 'serving.*'] },
    admin,
  )
  const scorer = { authorization: `Bearer ${body['token']}` }
  assert.deepEqual((await ask('/whoami', undefined, scorer)).body, {
    name: 'scorer',
    role: 'admin',
    kind: 'service',
    scopes: ['access.whoami', 'serving.*'],
  })
  assert.deepEqual(codeOf(await ask('/users', undefined, scorer)), [403, 'forbidden'])
  assert.equal((await ask('/predict/nothing', { inputs: {} }, scorer)).status, 404)
  const { body: listed } = await ask('/tokens', undefined, admin)
  const used = (listed['items'] as { name: string; lastUsedAt?: string }[]).find(({ name }) => name === 'scorer')
  assert.notEqual(used?.lastUsedAt, undefined)
})

test('a new password ends all other sessions of its user', async (t) => {
  const { ask, join } = await server(t)
  const { cookie } = await join('mara', 'viewer')
  const other = cookieOf(await ask('/sign-in', { name: 'mara', password }))
  const wrong = await ask('/password', { present: 'not the right one', next: 'another quiet morning' }, cookie)
  assert.equal(wrong.status, 401)
  assert.equal((await ask('/password', { present: password, next: 'another quiet morning' }, cookie)).status, 200)
  assert.deepEqual(
    [(await ask('/whoami', undefined, cookie)).status, (await ask('/whoami', undefined, other)).status],
    [200, 401],
  )
})

test('who may read the data folder is let in by the key that lies there, and nobody without it', async (t) => {
  const { app, ask } = await server(t)
  await app.listen({ port: 0 })
  const { readFileSync, statSync } = await import('node:fs')
  const path = `${app.ctx.folder}/server.json`
  assert.equal(statSync(path).mode & 0o077, 0)
  const { key } = JSON.parse(readFileSync(path, 'utf8')) as { key: string }
  assert.equal((await ask('/whoami', undefined, { authorization: `Bearer ${key}` })).body['name'], 'local')
  assert.equal((await ask('/whoami', undefined, { authorization: 'Bearer local_x' })).status, 401)
  assert.equal((await ask('/whoami')).status, 401)
})

test('no text that signs somebody in is stored: of passwords, sessions, invitations and tokens only hashes', async (t) => {
  const { app, ask, join } = await server(t)
  const { text, cookie } = await join('mara', 'member')
  const { body } = await ask('/tokens', { name: 'laptop', role: 'viewer' }, cookie)
  const secrets = [password, String(text), String(cookie['cookie']).split('=')[1] ?? '', String(body['token'])]
  for (const table of ['users', 'sessions', 'invitations', 'tokens', 'events'] as const) {
    const rows = await (app as App).ctx.db
      .selectFrom(table as 'events')
      .selectAll()
      .execute()
    for (const secret of secrets) assert.equal(JSON.stringify(rows).includes(secret), false, table)
  }
})
