import type { FastifyRequest } from 'fastify'
import { type Actor, type Role, roleRank } from '../core/context.ts'
import { AppError } from '../core/errors.ts'

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])
const loopbackPeers = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

export function isLoopback(host: string): boolean {
  return loopbackHosts.has(host)
}

/**
 * On loopback, a web page of another site must not reach us through the user's browser: the Host has to be a
 * loopback name (against DNS rebinding), and an Origin, when there is one, our own (against forged requests).
 */
export function checkSite(request: FastifyRequest, boundToLoopback: boolean): void {
  const host = request.headers.host ?? ''
  const hostname = host.replace(/:\d+$/, '')
  if (boundToLoopback && !isLoopback(hostname)) {
    throw new AppError('untrusted_origin', `The Host "${host}" is not this server.`, {
      name: host,
      hint: 'Use http://127.0.0.1.',
    })
  }
  const origin = request.headers.origin
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new AppError('untrusted_origin', `Requests from "${origin}" are not accepted.`, { name: origin })
  }
}

/** Without a token, only somebody on this very machine is let in, and only while the server listens on loopback. */
export function localActor(request: FastifyRequest, boundToLoopback: boolean): Actor | undefined {
  return boundToLoopback && loopbackPeers.has(request.ip) ? { name: 'local', role: 'admin', kind: 'local' } : undefined
}

/** `Bearer <token>`, or the password of Basic credentials (what MLflow's client sends). */
export function presentedToken(request: FastifyRequest): string | undefined {
  const [scheme, value] = (request.headers.authorization ?? '').split(' ')
  if (value === undefined) return undefined
  if (scheme?.toLowerCase() === 'bearer') return value
  if (scheme?.toLowerCase() !== 'basic') return undefined
  const decoded = Buffer.from(value, 'base64').toString('utf8')
  return decoded.slice(decoded.indexOf(':') + 1)
}

/** A page of another site can make a browser send its cookie along; a browser says for each write which site asks. */
export function checkOwnPage({ headers, method }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return
  if (headers.origin !== undefined || headers['sec-fetch-site'] === 'same-origin') return
  throw new AppError('untrusted_origin', 'A session changes something only from its own page.', {
    hint: 'Programs send a token: keel token create <name>',
  })
}

/** `cause` is the operation; a token with scopes calls no other. */
export function authorize(actor: Actor | undefined, role: Role | 'anyone', cause: string): Actor {
  if (role === 'anyone') return actor ?? { name: 'anonymous', role: 'viewer', kind: 'nobody' }
  if (!actor) {
    throw new AppError('unauthenticated', 'This server wants to know who asks.', {
      hint: 'Sign in in a browser, or create a token with "keel token create <name>" on the server and set KEEL_TOKEN.',
    })
  }
  if (roleRank[actor.role] < roleRank[role]) {
    throw new AppError('forbidden', `"${actor.name}" is a ${actor.role}; this needs a ${role}.`, { name: actor.name })
  }
  if (actor.scopes && !actor.scopes.some((scope) => covers(scope, cause))) {
    throw new AppError(
      'forbidden',
      `"${actor.name}" may not call ${cause}: its scopes are ${actor.scopes.join(', ')}.`,
      {
        name: cause,
        hint: `keel token create <name> --scope ${cause}`,
      },
    )
  }
  return actor
}

function covers(scope: string, cause: string): boolean {
  return scope === cause || (scope.endsWith('.*') && cause.startsWith(scope.slice(0, -1)))
}
