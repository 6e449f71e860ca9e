import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BegunSession } from '../core/contract.ts'

const name = 'keel_session'

/** The text of the session that a browser sends. */
export function presentedSession(request: FastifyRequest): string | undefined {
  return cookieOf(request, name)
}

export function cookieOf(request: FastifyRequest, wanted: string): string | undefined {
  const sent = request.headers.cookie
  return sent === undefined ? undefined : parseCookie(sent)[wanted]
}

/** Begins or, without one, ends the session of the browser that asks. No script reads it, no other site sends it along. */
export function setSession(request: FastifyRequest, reply: FastifyReply, session: BegunSession | undefined): void {
  setCookie(request, reply, { name, path: '/', value: session?.text ?? '', seconds: session?.seconds ?? 0 })
}

type Cookie = { name: string; path: string; value: string; seconds: number }

/** Lax, so that a link in a mail finds its reader signed in; writes are checked for their page besides. */
export function setCookie(request: FastifyRequest, reply: FastifyReply, cookie: Cookie): void {
  const secure = request.ctx.config.url.startsWith('https:') || request.protocol === 'https'
  const { name, path, value, seconds: maxAge } = cookie
  const text = stringifySetCookie({ name, value, path, maxAge, httpOnly: true, sameSite: 'lax', secure })
  reply.header('set-cookie', text)
}
