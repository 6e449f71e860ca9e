import type { FastifyInstance } from 'fastify'
import { AppError } from '../../core/errors.ts'
import * as traces from '../../domains/traces/traces.ts'
import { unpack } from '../packed-body.ts'
import { sendStatus, taken } from './answers.ts'
import { decodeSpans, maxBody } from './decode.ts'
import { recordSpans } from './predictions.ts'

const experimentHeader = 'x-mlflow-experiment-id'
const formats: Record<string, 'json' | 'protobuf'> = {
  'application/json': 'json',
  'application/x-protobuf': 'protobuf',
  'application/protobuf': 'protobuf',
}

/** OpenTelemetry's traces over HTTP, in both of its formats; without MLflow's header they belong to the default experiment. */
export async function otlpRoutes(server: FastifyInstance): Promise<void> {
  server.setErrorHandler((error: Error, request, reply) => sendStatus(request, reply, error))
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxBody }, (_request, body, done) =>
    done(null, body),
  )
  server.post(
    '/v1/traces',
    { config: { role: 'member', cause: 'otlp.traces' }, bodyLimit: maxBody },
    async (request, reply) => {
      const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
      const format = formats[type]
      if (!format)
        throw new AppError('unsupported_media_type', `"${type}" is not read here.`, {
          name: 'content-type',
          hint: `Use one of: ${Object.keys(formats).join(', ')}.`,
        })
      const given = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const body = await unpack(given, request.headers['content-encoding'] ?? '')
      const { spans, rejected } = await decodeSpans(body, format)
      const experiment = String(request.headers[experimentHeader] ?? '0')
      if (spans.length > 0) await traces.logSpans(request.ctx, { experiment, spans })
      rejected.push(...(await recordSpans(request.ctx, spans)))
      return reply.type(type).send(await taken(rejected, format))
    },
  )
}
