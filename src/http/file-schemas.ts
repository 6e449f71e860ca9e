import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { hasCode, notFound } from '../core/errors.ts'
import { inPackage } from '../package-folder.ts'

/** JSON Schemas of the files of a project, for editors: `# yaml-language-server: $schema=…/schemas/models.json`. */
export function fileSchemaRoutes(server: FastifyInstance): void {
  server.get('/schemas/:name', { config: { role: 'anyone', cause: 'schemas' } }, async (request, reply) => {
    const { name } = request.params as { name: string }
    const text = /^[a-z]+\.json$/.test(name) ? await readSchema(name) : undefined
    if (text === undefined) throw notFound('Schema', name)
    return reply.type('application/schema+json; charset=utf-8').header('cache-control', 'no-cache').send(text)
  })
}

async function readSchema(name: string): Promise<string | undefined> {
  try {
    return await readFile(inPackage(`schemas/${name}`), 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
