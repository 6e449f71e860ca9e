import type { FastifyInstance } from 'fastify'

/** How long a request that has begun may go on after the server was told to stop. */
const drainMilliseconds = 10_000

/** Requests that have begun are answered before the server ends; what never ends is cut off. */
export function drainOnClose(server: FastifyInstance): void {
  server.addHook('preClose', async () => {
    const timer = setTimeout(() => server.server.closeAllConnections(), drainMilliseconds)
    server.server.once('close', () => clearTimeout(timer))
  })
}
