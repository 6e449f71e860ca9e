import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyReply } from 'fastify'

const folder = fileURLToPath(new URL('../../web/dist', import.meta.url))

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
}

const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** Where protocols live: a client that asks there for what does not exist must hear so, and not read a page as success. */
const protocolPath = /^(api|ajax-api|v1|v2|serve|metrics)(\/|$)/

/** Serves the built UI; every other path without a file extension is a screen and gets the one page. */
export function webApp(server: FastifyInstance): void {
  const config = { role: 'anyone', cause: 'web' } as const
  server.get('/', { config }, (_request, reply) => sendFile(reply, 'index.html'))
  server.get('/*', { config }, async (request, reply) => {
    const path = normalize((request.params as { '*': string })['*'])
    const isScreen = extname(path) === '' && !protocolPath.test(path)
    if (isScreen) return sendFile(reply, 'index.html')
    if (path.startsWith('..') || path.includes(`..${sep}`) || !(await exists(path))) return reply.callNotFound()
    return sendFile(reply, path)
  })
}

async function exists(path: string): Promise<boolean> {
  return (await stat(join(folder, path)).catch(() => undefined))?.isFile() ?? false
}

async function sendFile(reply: FastifyReply, path: string): Promise<FastifyReply> {
  if (!(await exists(path))) {
    return reply.code(503).type('text/plain; charset=utf-8').send('The UI is not built yet. Run: npm run setup\n')
  }
  const hashed = path.startsWith('assets/')
  return reply
    .headers({ ...securityHeaders, 'cache-control': hashed ? 'public, max-age=31536000, immutable' : 'no-cache' })
    .type(contentTypes[extname(path)] ?? 'application/octet-stream')
    .send(createReadStream(join(folder, path)))
}
