import { type Context, liveValue } from '../../core/context.ts'
import type { BegunSession } from '../../core/contract.ts'
import { guardedFetch, isListed } from '../../core/egress/egress.ts'
import { AppError, notFound } from '../../core/errors.ts'
import { seal, unseal } from '../../core/secrets.ts'
import { transaction } from '../../core/transaction.ts'
import { addUser } from './invitations.ts'
import { accessRules, claimsFit, type Rules } from './rules-in-force.ts'
import { beginSession } from './sessions.ts'
import type { UserRecord } from './store.ts'
import * as store from './store.ts'

type Library = typeof import('openid-client')
type Provider = NonNullable<Rules['oidc']>

const purpose = 'access.provider'
/** So long somebody may take to sign in there. */
export const patienceSeconds = 600

/** What has to be known again when the provider sends the browser back; it travels sealed in a cookie. */
type Pending = { state: string; nonce: string; verifier: string; back: string; until: number }

/** Where to send the browser (authorization code with PKCE, state and nonce), and what its cookie holds. */
export async function beginAtProvider(
  ctx: Context,
  { callback, back }: { callback: string; back: string },
): Promise<{ url: string; cookie: string }> {
  const { library, configuration } = await configured(ctx)
  const state = library.randomState()
  const nonce = library.randomNonce()
  const verifier = library.randomPKCECodeVerifier()
  const url = library.buildAuthorizationUrl(configuration, {
    redirect_uri: callback,
    scope: 'openid profile email',
    code_challenge: await library.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const pending: Pending = { state, nonce, verifier, back, until: ctx.clock.wall() + patienceSeconds * 1000 }
  return { url: url.href, cookie: seal(ctx, purpose, JSON.stringify(pending)) }
}

/** The browser is back: who is it, and may they come in? */
export async function endAtProvider(
  ctx: Context,
  { url, cookie }: { url: URL; cookie: string },
): Promise<{ session: BegunSession; back: string }> {
  const pending = pendingOf(ctx, cookie)
  const { library, configuration, provider } = await configured(ctx)
  const claims = await claimsOf(library, configuration, url, pending)
  return transaction(ctx, async (ctx) => {
    const user = await userOf(ctx, provider, claims)
    return { session: await beginSession(ctx, user, 'provider'), back: pending.back }
  })
}

function pendingOf(ctx: Context, cookie: string): Pending {
  let pending: Pending | undefined
  try {
    pending = JSON.parse(unseal(ctx, purpose, cookie)) as Pending
  } catch {
    pending = undefined
  }
  if (pending && pending.until > ctx.clock.wall()) return pending
  throw new AppError('unauthenticated', 'Signing in took too long, or was begun in another browser.', {
    hint: 'Begin again.',
  })
}

async function claimsOf(
  library: Library,
  configuration: InstanceType<Library['Configuration']>,
  url: URL,
  { verifier, state, nonce }: Pending,
): Promise<Record<string, unknown> & { iss: string; sub: string }> {
  try {
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
    const claims = (await library.authorizationCodeGrant(configuration, url, checks)).claims()
    if (claims) return claims
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('unauthenticated', `The provider did not sign you in: ${reason}.`, {
      hint: 'Begin again.',
      cause,
    })
  }
  throw new AppError('unauthenticated', 'The provider did not say who you are.', { hint: 'Begin again.' })
}

/** Known already, invited by an address that the provider has checked, or let in by a rule; nobody else. */
async function userOf(
  ctx: Context,
  provider: Provider,
  claims: Record<string, unknown> & { iss: string; sub: string },
): Promise<UserRecord> {
  const { iss: issuer, sub: subject } = claims
  const known = await store.findUser(ctx, { issuer, subject })
  if (known) return active(known)
  const email =
    claims['email_verified'] === true && typeof claims['email'] === 'string' ? claims['email'].toLowerCase() : undefined
  const sameAddress = email === undefined ? undefined : await store.findUser(ctx, { email })
  if (sameAddress) {
    if (sameAddress.issuer !== null) throw uninvited(email)
    await store.updateUser(ctx, sameAddress.id, { issuer, subject })
    return active({ ...sameAddress, issuer, subject })
  }
  const now = ctx.now().toISOString()
  const invitation = (await store.listInvitations(ctx)).find((row) => row.email === email && row.expires_at > now)
  if (email !== undefined && invitation && !(await store.findUser(ctx, { name: invitation.name }))) {
    await store.closeInvitation(ctx, invitation.id, now)
    const { name, role } = invitation
    return addUser(ctx, { name, role, email, password: null, issuer, subject, way: 'provider' })
  }
  const rule = provider.admit?.find(({ claims: wanted }) => claimsFit(wanted, claims))
  if (!rule) throw uninvited(email)
  const name = await freeName(ctx, claims, email)
  return addUser(ctx, { name, role: rule.role, email: email ?? null, password: null, issuer, subject, way: 'provider' })
}

function active(user: UserRecord): UserRecord {
  if (user.active) return user
  throw new AppError('forbidden', `"${user.name}" may not sign in here any more.`, { name: user.name })
}

function uninvited(email: string | undefined): AppError {
  return new AppError('forbidden', `${email === undefined ? 'You are' : `"${email}" is`} not invited here.`, {
    hint: 'Ask an admin to invite you by the address that the provider knows you by.',
  })
}

/** As the provider calls them, made a name of ours that nobody has. */
async function freeName(ctx: Context, claims: Record<string, unknown>, email: string | undefined): Promise<string> {
  const said = [claims['preferred_username'], email, claims['name']].find(
    (one) => typeof one === 'string' && one !== '',
  )
  const base =
    String(said ?? 'user')
      .split('@')[0]
      ?.normalize('NFKD')
      .replaceAll(/[^A-Za-z0-9._-]/g, '')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 40) || 'user'
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}-${number}`
    if (!(await store.findUser(ctx, { name }))) return name
  }
}

type Configured = { library: Library; configuration: InstanceType<Library['Configuration']>; provider: Provider }

/** What the provider says of itself is read once, and again when the rules or the secret change. */
async function configured(ctx: Context): Promise<Configured> {
  const { oidc: provider } = await accessRules(ctx)
  if (!provider) throw notFound('Sign-in by a provider', 'oidc', 'Say it under "access" in keel.yaml.')
  const known = liveValue(ctx, 'access.provider', () => new Map<string, Promise<Configured>>())
  const key = JSON.stringify([provider.issuer, provider.client])
  const found = known.get(key)
  if (found) return { ...(await found), provider }
  const reading = discover(ctx, provider)
  known.clear()
  known.set(key, reading)
  reading.catch(() => known.delete(key))
  return reading
}

async function discover(ctx: Context, provider: Provider): Promise<Configured> {
  const library = await import('openid-client')
  const secret = ctx.config.oidcSecret
  const issuer = new URL(provider.issuer)
  try {
    const configuration = await library.discovery(
      issuer,
      provider.client,
      secret === '' ? undefined : secret,
      secret === '' ? library.None() : undefined,
      {
        [library.customFetch]: guardedFetch(ctx),
        // The guard lets plain http through only to hosts that the setting "egress" lists.
        ...(isListed(ctx, issuer) ? { execute: [library.allowInsecureRequests] } : {}),
      },
    )
    return { library, configuration, provider }
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError(
      'upstream_failed',
      `"${provider.issuer}" is not an OpenID provider that can be asked: ${reason}.`,
      {
        name: provider.issuer,
        cause,
      },
    )
  }
}
