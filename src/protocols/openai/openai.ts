import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { invalidInput, notFound } from '../../core/errors.ts'
import { marksField } from '../../domains/registry/registry.ts'
import * as serving from '../../domains/serving/serving.ts'
import { tooDeep } from '../../http/depth.ts'
import { asObject, type Json } from '../json-body.ts'
import { idHeader, releaseHeader, usageAttributes } from '../telemetry/prediction-attributes.ts'
import { sendError } from './errors.ts'
import { checkParameters } from './parameters.ts'

const maxBody = 16 * 1024 * 1024
const config = (name: string) => ({ role: 'viewer', cause: `openai.${name}` }) as const

/** OpenAI's protocol for endpoints that are prompts: a model's name is an endpoint's. */
export async function openaiRoutes(server: FastifyInstance): Promise<void> {
  server.setErrorHandler((error: Error, request, reply) => sendError(request, reply, error))
  server.get('/v1/models', { config: config('models') }, (request) => ({
    object: 'list',
    data: endpoints(request).map(describe),
  }))
  server.get('/v1/models/:model', { config: config('model') }, (request) => {
    const { model } = request.params as { model: string }
    const found = endpoints(request).find(({ name }) => name === model)
    if (found) return describe(found)
    // KServe's first protocol has its readiness at this very path.
    const { items } = serving.listEndpoints(request.ctx)
    const other = items.find(({ name }) => name === model)
    if (!other) throw notFound('Model', model, 'List them with "keel endpoints list".')
    return { name: other.name, ready: serving.signatureOf(request.ctx, { endpoint: other.name }).ready }
  })
  const routes = [
    ['/chat/completions', 'chat', 'messages'],
    ['/completions', 'completions', 'prompt'],
    ['/embeddings', 'embeddings', 'input'],
  ] as const
  for (const [path, name, needed] of routes)
    server.post(`/v1${path}`, { config: config(name), bodyLimit: maxBody }, async (request, reply) => {
      const body = readBody(request, needed)
      const signal = goneSignal(reply)
      const said = await serving.converse(request.ctx, { endpoint: String(body['model']), path, body, signal })
      reply.header(idHeader, said.id).header(releaseHeader, said.release)
      const marks = marksField(said.marks)
      if (marks !== undefined) reply.header(serving.marksHeader, marks)
      if (request.trace) request.trace.atEnd = () => usageAttributes(said.usage())
      return send(reply, said)
    })
}

/** Endpoints of prompts, also before the first release of one is live. */
function endpoints({ ctx }: FastifyRequest) {
  return serving.listEndpoints(ctx).items.filter(({ versions }) => versions.some(({ kind }) => kind === 'prompt'))
}

function describe({ name }: { name: string }) {
  return { id: name, object: 'model', created: 0, owned_by: 'evenkeel' }
}

function readBody({ body }: FastifyRequest, needed: string): Json {
  const given = asObject(body, 'body')
  if (tooDeep(given)) throw invalidInput('The body is nested too deeply.')
  if (typeof given['model'] !== 'string' || given['model'] === '')
    throw invalidInput('"model" must be the name of an endpoint.', { name: 'model', hint: 'See GET /v1/models.' })
  // A prompt with its variables needs no message.
  if (given[needed] === undefined && given['inputs'] === undefined)
    throw invalidInput(`"${needed}" is missing.`, { name: needed })
  checkParameters(given)
  return given
}

/** Aborts when the caller goes away before it has its answer. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort()
  })
  return controller.signal
}

function send(reply: FastifyReply, { status, contentType, body }: serving.Conversation): FastifyReply {
  reply.code(status).type(contentType)
  if (!Buffer.isBuffer(body)) reply.header('cache-control', 'no-cache').header('x-accel-buffering', 'no')
  return reply.send(body)
}
