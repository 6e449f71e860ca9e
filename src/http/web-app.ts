import { existsSync } from 'node:fs'
import { extname, join, normalize } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { inPackage } from '../package-folder.ts'

const folder = inPackage('web/dist')

const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** Where protocols live: a client that asks there for what does not exist must hear so, and not read a page as success. */
const protocolPath = /^(api|ajax-api|v1|v2|serve|metrics)(\/|$)/

/** Serves the built UI, compressed as it was built; every other path without a file extension is a screen and gets the one page. */
export async function webApp(server: FastifyInstance): Promise<void> {
  await server.register(fastifyStatic, { root: folder, serve: false, preCompressed: true, dotfiles: 'ignore' })
  const config = { role: 'anyone', cause: 'web' } as const
  server.get('/', { config }, (_request, reply) => sendPage(reply))
  server.get('/*', { config }, (request, reply) => {
    const path = normalize((request.params as { '*': string })['*'])
    const parts = path.split(/[\\/]/)
    if (parts.some((part) => part.startsWith('.'))) return reply.callNotFound()
    const isScreen = extname(path) === '' && !protocolPath.test(path)
    return isScreen ? sendPage(reply) : sendAsset(reply, path)
  })
}

function sendPage(reply: FastifyReply): FastifyReply {
  if (existsSync(join(folder, 'index.html'))) return sendAsset(reply, 'index.html')
  return reply.code(503).type('text/plain; charset=utf-8').send('The UI is not built yet. Run: npm run setup\n')
}

/** Names of assets hold a hash of their content, so that a browser need never ask for one again. */
function sendAsset(reply: FastifyReply, path: string): FastifyReply {
  const hashed = path.startsWith('assets/')
  return reply
    .headers({ ...securityHeaders, 'cache-control': hashed ? 'public, max-age=31536000, immutable' : 'no-cache' })
    .sendFile(path, { cacheControl: false })
}
