import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { tooDeep } from '../../http/depth.ts'
import { artifactPartRoutes } from './artifact-parts.ts'
import { artifactRoutes } from './artifact-routes.ts'
import { assessmentCalls } from './assessments.ts'
import type { Call } from './call.ts'
import { invalid, sendError } from './errors.ts'
import { evaluationDatasetCalls } from './evaluation-datasets.ts'
import { experimentCalls } from './experiments.ts'
import type { Fields } from './input.ts'
import { loggedModelCalls } from './logged-models.ts'
import { loggingCalls } from './logging.ts'
import { modelVersionCalls } from './model-versions.ts'
import { registeredModelCalls } from './registered-models.ts'
import { runCalls } from './run-calls.ts'
import { scorerCalls } from './scorers.ts'
import { traceMetricCalls } from './trace-metrics.ts'
import { traceCalls } from './traces.ts'
import { webhookCalls } from './webhooks.ts'

/** The MLflow whose clients this was tested with; they ask for it to know what they may use. */
export const mlflowVersion = '3.11.1'

export const calls: Call[] = [
  ...traceMetricCalls,
  ...traceCalls,
  ...assessmentCalls,
  ...evaluationDatasetCalls,
  ...scorerCalls,
  ...experimentCalls,
  ...runCalls,
  ...loggingCalls,
  ...loggedModelCalls,
  ...registeredModelCalls,
  ...modelVersionCalls,
  ...webhookCalls,
]

const maxBody = 32 * 1024 * 1024

/** What unmodified MLflow clients speak, in terms of our own operations. */
export async function mlflowRoutes(server: FastifyInstance): Promise<void> {
  server.setErrorHandler((error: Error, request, reply) => sendError(request, reply, error))
  server.removeAllContentTypeParsers()
  await server.register(async (files) => {
    files.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    artifactRoutes(files)
  })
  server.addContentTypeParser('*', { parseAs: 'string', bodyLimit: maxBody }, (request, body, done) => {
    try {
      done(null, parseBody(request, String(body)))
    } catch (error) {
      done(error as Error)
    }
  })
  for (const call of calls) register(server, call)
  artifactPartRoutes(server)
  discovery(server)
}

function register(server: FastifyInstance, { method, path, role, version = '2.0', run }: Call): void {
  const config = { role, cause: `mlflow.${path.replaceAll('/', '.')}` }
  for (const prefix of ['/api', '/ajax-api']) {
    server.route({
      method,
      url: `${prefix}/${version}/mlflow/${path}`,
      bodyLimit: maxBody,
      config,
      async handler(request, reply) {
        const body = method === 'GET' ? {} : (request.body as Fields | null | undefined)
        const fields = { ...(request.query as Fields), ...body, ...(request.params as Fields) }
        return reply.type('application/json').send(JSON.stringify(await run(request.ctx, fields)))
      },
    })
  }
}

/** Bodies come without a content type, and from old clients as a JSON text that holds JSON. */
function parseBody(request: FastifyRequest, text: string): Fields {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type && type !== 'application/json')
    throw invalid("Bad Request. Content-Type must be one of ['application/json'].")
  if (text.trim() === '') return {}
  const value = parseJson(text)
  const fields = typeof value === 'string' ? parseJson(value) : value
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw invalid('Malformed request body: it must be a JSON object.')
  if (tooDeep(fields)) throw invalid('Malformed request body: it is nested too deeply.')
  return fields as Fields
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('Malformed request body: it is not JSON.')
  }
}

function discovery(server: FastifyInstance): void {
  const config = { role: 'anyone', cause: 'mlflow.discovery' } as const
  server.get('/health', { config }, (_request, reply) => reply.type('text/plain').send('OK'))
  server.get('/version', { config }, (_request, reply) => reply.type('text/plain').send(mlflowVersion))
  for (const prefix of ['/api', '/ajax-api']) {
    server.get(`${prefix}/3.0/mlflow/server-info`, { config: { ...config, role: 'viewer' } }, () => ({
      store_type: 'SqlStore',
      workspaces_enabled: false,
    }))
  }
  for (const place of ['/api/2.0/*', '/api/3.0/*', '/ajax-api/*']) {
    server.all(place, { config }, (_request, reply) => noSuchCall(reply))
  }
}

/** Without a JSON body: that is how clients tell a server that lacks a call from one that lacks a thing. */
function noSuchCall(reply: FastifyReply): FastifyReply {
  return reply.code(404).type('text/plain; charset=utf-8').send('This path does not exist.\n')
}
