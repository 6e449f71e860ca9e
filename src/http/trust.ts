import type { FastifyRequest } from 'fastify'
import type { Actor, Role } from '../core/context.ts'
import { AppError } from '../core/errors.ts'

const rank: Record<Role | 'anyone', number> = { anyone: 0, viewer: 1, member: 2, admin: 3 }
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
  return boundToLoopback && loopbackPeers.has(request.ip) ? { name: 'local', role: 'admin' } : undefined
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

export function authorize(actor: Actor | undefined, role: Role | 'anyone'): Actor {
  if (role === 'anyone') return actor ?? { name: 'anonymous', role: 'viewer' }
  if (!actor) {
    throw new AppError('unauthenticated', 'This server wants a token.', {
      hint: 'Create one with "keel token create <name>" on the server, then set KEEL_TOKEN.',
    })
  }
  if (rank[actor.role] < rank[role]) {
    throw new AppError('forbidden', `"${actor.name}" is a ${actor.role}; this needs a ${role}.`, { name: actor.name })
  }
  return actor
}
