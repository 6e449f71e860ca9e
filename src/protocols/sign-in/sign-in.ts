import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../../core/errors.ts'
import { beginAtProvider, endAtProvider, patienceSeconds, providerPath } from '../../domains/access/access.ts'
import { cookieOf, setCookie, setSession } from '../../http/session-cookie.ts'

const callbackPath = `${providerPath}/callback`
const config = { role: 'anyone', cause: 'sign-in.provider' } as const
const pendingCookie = 'keel_sign_in'

/** Signing in by an OpenID provider: the browser goes there and comes back. What goes wrong is shown by the page. */
export function signInRoutes(server: FastifyInstance): void {
  server.get(providerPath, { config }, async (request, reply) => {
    const { back } = request.query as { back?: unknown }
    const callback = new URL(callbackPath, addressOf(request)).href
    const { url, cookie } = await beginAtProvider(request.ctx, { callback, back: ownPath(back) })
    setCookie(request, reply, { name: pendingCookie, path: providerPath, value: cookie, seconds: patienceSeconds })
    return reply.header('cache-control', 'no-store').redirect(url)
  })

  server.get(callbackPath, { config }, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    try {
      const url = new URL(request.url, addressOf(request))
      const { session, back } = await endAtProvider(request.ctx, {
        url,
        cookie: cookieOf(request, pendingCookie) ?? '',
      })
      setSession(request, reply, session)
      setCookie(request, reply, { name: pendingCookie, path: providerPath, value: '', seconds: 0 })
      return reply.redirect(back)
    } catch (error) {
      if (!(error instanceof AppError) || error.status >= 500) throw error
      return reply.redirect(`/?${new URLSearchParams({ 'sign-in': error.message })}`)
    }
  })
}

/** What the browser calls this server: said by the setting, since a proxy may stand between. */
function addressOf(request: FastifyRequest): string {
  const { url } = request.ctx.config
  return url === '' ? `${request.protocol}://${request.headers.host ?? ''}` : url
}

/** Only a path of ours: a link must not lead somebody who signs in to another site. */
function ownPath(back: unknown): string {
  if (typeof back !== 'string' || !/^\/(?![/\\])/.test(back) || back.length > 2000) return '/'
  const url = new URL(back, 'http://own')
  return url.origin === 'http://own' ? `${url.pathname}${url.search}${url.hash}` : '/'
}
