import type { FastifyInstance } from 'fastify'
import { notFound } from '../../core/errors.ts'
import { marksField } from '../../domains/registry/registry.ts'
import * as serving from '../../domains/serving/serving.ts'
import { asList, parseJson } from '../json-body.ts'
import { toInstances } from '../scoring/instances.ts'

/** KServe's first protocol, which is TensorFlow Serving's: `POST /v1/models/<model>:predict`. */
export function kserveRoutes(server: FastifyInstance): void {
  server.post('/v1/models/:call', { config: { role: 'viewer', cause: 'kserve.predict' } }, async (request, reply) => {
    const { call } = request.params as { call: string }
    const match = /^(.+):predict$/.exec(call)
    if (!match) throw notFound('Call', call, 'Use /v1/models/<model>:predict.')
    const endpoint = match[1] ?? ''
    const { inputs: fields } = serving.signatureOf(request.ctx, { endpoint })
    const body = parseJson(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0))
    const instances = asList(body['instances'], 'instances')
    const { outputs, marks } = await serving.predictRows(request.ctx, {
      endpoint,
      rows: toInstances(instances, fields, 'instances'),
    })
    const field = marksField(marks)
    if (field !== undefined) reply.header(serving.marksHeader, field)
    return { predictions: outputs }
  })
}
