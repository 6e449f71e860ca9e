import type { FastifyInstance, FastifyRequest } from 'fastify'

/** A body that is parsed whole has this long to arrive, however its bytes trickle in; uploads are streams and have no such bound. */
const patienceMilliseconds = 20_000
const sweepMilliseconds = 2_000

/** Ends requests that keep a connection by sending slowly (slowloris); headers are bounded by Node itself. */
export function endSlowBodies(server: FastifyInstance, patience = patienceMilliseconds): void {
  const arriving = new Map<FastifyRequest, number>()
  server.addHook('onRequest', async (request) => {
    const { method } = request
    if (method !== 'GET' && method !== 'HEAD') arriving.set(request, performance.now())
  })
  // Runs once the body is there, and for a stream at once.
  server.addHook('preValidation', async (request) => {
    arriving.delete(request)
  })
  server.addHook('onResponse', async (request) => {
    arriving.delete(request)
  })
  server.addHook('onRequestAbort', async (request) => {
    arriving.delete(request)
  })
  const timer = setInterval(
    () => {
      for (const [request, since] of arriving) {
        if (performance.now() - since < patience) break
        arriving.delete(request)
        request.raw.destroy()
      }
    },
    Math.min(sweepMilliseconds, patience),
  )
  timer.unref()
  server.addHook('onClose', async () => clearInterval(timer))
}
