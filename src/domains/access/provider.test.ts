import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { parseSetCookie } from 'cookie'
import Provider from 'oidc-provider'
import { testApp } from '../../../test/support/context.ts'
import { inviteUser, listUsers, setAccessRules } from './access.ts'
import type { Rules } from './rules-in-force.ts'

type Person = { email: string; email_verified: boolean; groups?: string[]; preferred_username?: string }

const people: Record<string, Person> = {
  mara: { email: 'mara@team.example', email_verified: true, preferred_username: 'mara' },
  guest: { email: 'guest@other.example', email_verified: true, preferred_username: 'guest' },
  liar: { email: 'bo@team.example', email_verified: false, preferred_username: 'bo' },
  ana: { email: 'ana@team.example', email_verified: true, groups: ['ml'], preferred_username: 'Ana Ünal/../x' },
}

/** An OpenID provider that other people wrote, and a server of ours that knows it. */
async function meeting(t: TestContext, rules: Partial<NonNullable<Rules['oidc']>> = {}) {
  const web = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => web.once('listening', resolve))
  t.after(() => web.close())
  const address = web.address()
  const issuer = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const app = await testApp(t, {
    settings: { egress: new URL(issuer).host, oidcSecret: 'a-secret-of-the-provider', host: '127.0.0.1' },
  })
  const url = await app.listen({ port: 0 })
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'evenkeel',
        client_secret: 'a-secret-of-the-provider',
        redirect_uris: [`${url}/sign-in/provider/callback`],
      },
    ],
    cookies: { keys: ['only-in-this-test'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username', 'groups'] },
    conformIdTokenClaims: false,
    findAccount: async (_context, id) => ({ accountId: id, claims: async () => ({ sub: id, ...people[id] }) }),
  })
  web.on('request', provider.callback())
  await setAccessRules(app.ctx, { oidc: { issuer, client: 'evenkeel', ...rules } })
  return { app, url }
}

/** Follows a browser's way: redirects, cookies of each site, and the forms of the provider. */
async function signInAs(url: string, login: string, back = '/models/x?tab=drift') {
  const jars = new Map<string, Map<string, string>>()
  async function go(target: URL, form?: Record<string, string>): Promise<{ at: URL; text: string }> {
    const jar = jars.get(target.origin) ?? new Map<string, string>()
    jars.set(target.origin, jar)
    const reply = await fetch(target, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    })
    for (const line of reply.headers.getSetCookie()) {
      const { name, value = '', maxAge, expires } = parseSetCookie(line)
      if (maxAge === 0 || (expires && expires.getTime() < Date.now())) jar.delete(name)
      else jar.set(name, value)
    }
    const location = reply.headers.get('location')
    if (location === null) return { at: target, text: await reply.text() }
    await reply.arrayBuffer()
    const next = new URL(location, target)
    return next.origin === url && !next.pathname.startsWith('/sign-in') ? { at: next, text: '' } : go(next)
  }
  let page = await go(new URL(`/sign-in/provider?back=${encodeURIComponent(back)}`, url))
  for (let step = 0; step < 4 && page.at.origin !== url; step += 1) {
    const action = /action="([^"]+)"/.exec(page.text)?.[1]
    assert.ok(action, page.text)
    const prompt = page.text.includes('name="login"') ? 'login' : 'consent'
    page = await go(new URL(action, page.at), prompt === 'login' ? { prompt, login, password: 'any' } : { prompt })
  }
  return { at: page.at, session: jars.get(url)?.get('keel_session') }
}

async function whoami(url: string, session: string | undefined): Promise<Record<string, unknown>> {
  const reply = await fetch(`${url}/api/v1/whoami`, { headers: { cookie: `keel_session=${session ?? ''}` } })
  return (await reply.json()) as Record<string, unknown>
}

test('who was invited by the address that the provider has checked signs in there, and comes back to the same page', async (t) => {
  const { app, url } = await meeting(t)
  await inviteUser(app.ctx, { name: 'mara', role: 'member', email: 'Mara@Team.example' })
  const { at, session } = await signInAs(url, 'mara')
  assert.equal(`${at.pathname}${at.search}`, '/models/x?tab=drift')
  assert.deepEqual(await whoami(url, session), { name: 'mara', role: 'member', kind: 'user' })
  const again = await signInAs(url, 'mara', '//evil.example/x')
  assert.equal(again.at.href, `${url}/`)
  assert.equal((await listUsers(app.ctx)).items.length, 1)
})

test('who was not invited, or only by an address that the provider has not checked, does not come in', async (t) => {
  const { app, url } = await meeting(t)
  await inviteUser(app.ctx, { name: 'bo', role: 'admin', email: 'bo@team.example' })
  for (const login of ['guest', 'liar']) {
    const { at, session } = await signInAs(url, login)
    assert.equal(session, undefined)
    assert.match(at.searchParams.get('sign-in') ?? '', /not invited here/)
  }
  assert.deepEqual((await listUsers(app.ctx)).items, [])
})

test('a rule lets people in by what the provider says of them, under a name of ours', async (t) => {
  const { app, url } = await meeting(t, { admit: [{ claims: { groups: ['ml', 'data'] }, role: 'viewer' }] })
  const { session } = await signInAs(url, 'ana')
  assert.deepEqual(await whoami(url, session), { name: 'AnaUnal..x', role: 'viewer', kind: 'user' })
  assert.equal((await signInAs(url, 'guest')).session, undefined)
  assert.equal((await listUsers(app.ctx)).items.length, 1)
})

test('a way back that was begun in another browser, or came without its state, signs nobody in', async (t) => {
  const { url } = await meeting(t)
  const begun = await fetch(`${url}/sign-in/provider`, { redirect: 'manual' })
  const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? ''
  const cookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  for (const [query, headers] of [
    [`code=stolen&state=${state}`, {}],
    ['code=stolen&state=other', { cookie }],
    ['', { cookie }],
  ] as const) {
    const reply = await fetch(`${url}/sign-in/provider/callback?${query}`, { redirect: 'manual', headers })
    assert.equal(reply.status, 302)
    assert.match(reply.headers.get('location') ?? '', /^\/\?sign-in=/)
    assert.equal(
      reply.headers.getSetCookie().some((line) => line.startsWith('keel_session=')),
      false,
    )
  }
})
