import { type Actor, type Context, liveValue } from '../../core/context.ts'
import { guardedFetch } from '../../core/egress/egress.ts'
import { AppError } from '../../core/errors.ts'
import { dateOf, isoOf } from '../../core/time.ts'
import { accessRules, claimsFit } from './rules-in-force.ts'

type Keys = ReturnType<typeof import('jose').createRemoteJWKSet>

/** Algorithms with a key that only the issuer has; a shared secret would be one that this server stores. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const jwtShape = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * A job of CI by the token of its platform (OpenID Connect: issuer, audience, signature, times and the claims that the
 * rules name). Undefined for a text that is no such token; refused when it is one that no rule lets in.
 */
export async function resolveCi(ctx: Context, text: string): Promise<Actor | undefined> {
  if (!jwtShape.test(text)) return undefined
  const { ci = [] } = await accessRules(ctx)
  if (ci.length === 0) return undefined
  const jose = await import('jose')
  const issuer = issuerOf(jose, text)
  const candidates = ci.filter((rule) => rule.issuer === issuer)
  if (candidates.length === 0) throw refused(`its issuer is not one that "access.ci" names`)
  const keys = await keysOf(ctx, jose, issuer)
  const currentDate = dateOf(isoOf(ctx.clock.wall()))
  let because = ''
  for (const rule of candidates) {
    const { audience, claims, name, role, scopes } = rule
    try {
      const options = { issuer, audience, algorithms, currentDate, requiredClaims: ['exp'] }
      const { payload } = await jose.jwtVerify(text, keys, options)
      if (claimsFit(claims, payload)) return { name, role, kind: 'ci', ...(scopes === undefined ? {} : { scopes }) }
      because = 'its claims are not those of any rule'
    } catch (error) {
      if (error instanceof AppError) throw error
      if (!(error instanceof jose.errors.JOSEError)) throw error
      because = error.message
    }
  }
  throw refused(because)
}

function issuerOf(jose: typeof import('jose'), text: string): string {
  try {
    return jose.decodeJwt(text).iss ?? ''
  } catch {
    throw refused('it cannot be read')
  }
}

/** The issuer's public keys; they are read again when a token names one that is not known, at most every 30 s. */
async function keysOf(ctx: Context, jose: typeof import('jose'), issuer: string): Promise<Keys> {
  const known = liveValue(ctx, 'access.issuer_keys', () => new Map<string, Promise<Keys>>())
  const found = known.get(issuer)
  if (found) return found
  const fetch = guardedFetch(ctx)
  const reading = (async () => {
    const reply = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const described: unknown = reply.ok ? await reply.json() : undefined
    const uri = typeof described === 'object' && described !== null && 'jwks_uri' in described && described.jwks_uri
    if (typeof uri !== 'string' || !URL.canParse(uri))
      throw new AppError('upstream_failed', `"${issuer}" does not say where its keys are.`, { name: issuer })
    return jose.createRemoteJWKSet(new URL(uri), { [jose.customFetch]: fetch })
  })()
  known.set(issuer, reading)
  reading.catch(() => known.delete(issuer))
  return reading
}

function refused(because: string): AppError {
  return new AppError('unauthenticated', `The token of the CI job is refused: ${because}.`, {
    hint: 'Compare its issuer, audience and claims with "access.ci" in keel.yaml; times are checked too.',
  })
}
