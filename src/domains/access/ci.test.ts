import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { testApp } from '../../../test/support/context.ts'
import type { App } from '../../app.ts'
import { setAccessRules } from './access.ts'

const audience = 'https://keel.team.example'
const job = { repository: 'team/models', ref: 'refs/heads/main', sub: 'repo:team/models:ref:refs/heads/main' }

/** An issuer as GitHub's and GitLab's: it describes itself, and shows its public keys. */
async function platform(t: TestContext) {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  const web = createServer((request, reply) => {
    const found = request.url === '/keys' ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` }
    reply.setHeader('content-type', 'application/json').end(JSON.stringify(found))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => web.once('listening', resolve))
  t.after(() => web.close())
  const address = web.address()
  const issuer = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const sign = (claims: JWTPayload, key: typeof privateKey = privateKey, expires: string | number = '5m') =>
    new SignJWT({ iss: issuer, aud: audience, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(key)
  const app = await testApp(t, { settings: { host: '0.0.0.0', egress: new URL(issuer).host } })
  return { app, issuer, sign }
}

async function ask(app: App, token: string, path = '/whoami') {
  const reply = await app.server.inject({
    url: `/api/v1${path}`,
    remoteAddress: '192.0.2.1',
    headers: { host: 'keel.example', authorization: `Bearer ${token}` },
  })
  return { status: reply.statusCode, body: reply.json() as Record<string, unknown> }
}

test('a job of CI signs in by the token of its platform, with what the rule lets it do and no stored secret', async (t) => {
  const { app, issuer, sign } = await platform(t)
  const claims = { repository: 'team/models', ref: ['refs/heads/main', 'refs/heads/next'] }
  const scopes = ['access.whoami', 'evaluation.*']
  await setAccessRules(app.ctx, { ci: [{ name: 'github', issuer, audience, claims, role: 'member', scopes }] })
  const token = await sign(job)
  assert.deepEqual((await ask(app, token)).body, { name: 'github', role: 'member', kind: 'ci', scopes })
  assert.equal((await ask(app, token, '/users')).status, 403)
  const stored = await app.ctx.db.selectFrom('events').selectAll().execute()
  assert.equal(JSON.stringify(stored).includes(token.slice(0, 40)), false)
})

test('a token of another repository, audience, issuer or key, or one whose time is over, is refused with the reason', async (t) => {
  const { app, issuer, sign } = await platform(t)
  const claims = { repository: 'team/models' }
  await setAccessRules(app.ctx, { ci: [{ name: 'github', issuer, audience, claims, role: 'member' }] })
  const other = await generateKeyPair('RS256')
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(
    JSON.stringify({ iss: issuer, aud: audience, ...job }),
  ).toString('base64url')}.x`
  const refused: [string, RegExp][] = [
    [await sign({ ...job, repository: 'someone/else' }), /claims/],
    [await sign({ ...job, repository: undefined }), /claims/],
    [await sign({ ...job, aud: 'https://other.example' }), /aud/],
    [await sign({ ...job, iss: 'https://other.example' }), /issuer/],
    [await sign(job, other.privateKey), /signature/],
    [await sign(job, undefined, Math.floor(Date.now() / 1000) - 60), /exp/],
    [none, /alg/i],
  ]
  for (const [token, reason] of refused) {
    const { status, body } = await ask(app, token)
    assert.equal(status, 401)
    assert.match(String(body['detail']), reason)
  }
})

test('a rule without claims would let every repository of the platform in and is refused', async (t) => {
  const { app, issuer } = await platform(t)
  const reply = await app.server.inject({
    method: 'PUT',
    url: '/api/v1/access',
    headers: { host: 'keel.example', authorization: `Bearer ${await adminOf(app)}` },
    payload: { ci: [{ name: 'github', issuer, audience, claims: {}, role: 'member' }] },
  })
  assert.deepEqual([reply.statusCode, reply.json().code], [400, 'invalid_input'])
})

async function adminOf(app: App): Promise<string> {
  const { createToken } = await import('./access.ts')
  return (await createToken(app.ctx, { name: 'root', role: 'admin' })).token
}
