import type { FastifyInstance } from 'fastify'
import { api } from '../contract.ts'
import { version } from '../version.ts'
import { openApi } from './openapi.ts'

export function openApiRoutes(server: FastifyInstance): void {
  let document: string | undefined
  server.get('/api/v1/openapi.json', { config: { role: 'anyone', cause: 'openapi' } }, (_request, reply) => {
    document ??= JSON.stringify(openApi(api, version))
    return reply.type('application/json').send(document)
  })
}
