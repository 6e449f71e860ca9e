import type { Readable } from 'node:stream'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Actor, Context, Role } from '../core/context.ts'
import type { BegunSession, BytesReply, Contract, Operation } from '../core/contract.ts'
import { AppError, invalidInput } from '../core/errors.ts'
import { exactJson } from '../core/json/json.ts'
import { parse } from '../core/validate.ts'
import { sendBytes } from './bytes.ts'
import { tooDeep } from './depth.ts'
import { drainOnClose } from './drain.ts'
import { readJsonBodies } from './json-bodies.ts'
import { asAppError, sendProblem } from './problems.ts'
import { deadlineOf, traceIdOf } from './request-headers.ts'
import { presentedSession, setSession } from './session-cookie.ts'
import { endSlowBodies } from './slow-bodies.ts'
import { authorize, checkOwnPage, checkSite, isLoopback, localActor, presentedToken } from './trust.ts'

declare module 'fastify' {
  interface FastifyRequest {
    ctx: Context
  }
  interface FastifyContextConfig {
    /** Who may call the route. A route without one is refused to everybody. */
    role?: Role | 'anyone'
    /** What its events carry as their cause. */
    cause?: string
  }
}

type AnyDoor = (ctx: Context, input: unknown, body?: Readable) => unknown
export type Doors = Record<string, Record<string, unknown>>
export type Plugin = (server: FastifyInstance) => void | Promise<void>
/** Sees every request: its hooks apply to all routes. */
export type Instrument = (server: FastifyInstance, ctx: Context) => void | Promise<void>

type Options = {
  ctx: Context
  api: Record<string, Contract>
  doors: Doors
  plugins: Plugin[]
  instruments?: Instrument[]
  resolveToken: (ctx: Context, token: string) => Promise<Actor | undefined>
  resolveSession: (ctx: Context, session: string) => Promise<Actor | undefined>
  /** Validates our own replies too; tests switch it on. */
  checkReplies?: boolean
  /** Milliseconds that a body may take to arrive. */
  bodyPatience?: number
}

const jsonBodyLimit = 4 * 1024 * 1024

export async function createServer(options: Options): Promise<FastifyInstance> {
  const { ctx, api, doors, plugins, resolveToken, resolveSession } = options
  const boundToLoopback = isLoopback(ctx.config.host)
  const server = Fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: jsonBodyLimit,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: 2048 },
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    genReqId: () => ctx.id('req'),
    frameworkErrors: (error, request, reply) => sendProblem(request, reply, asAppError(error)),
  })
  server.decorateRequest('ctx', null as never)
  readJsonBodies(server)

  /** By token, by the session of a browser, or as somebody on this machine. */
  async function actorOf(request: FastifyRequest): Promise<Actor | undefined> {
    const token = presentedToken(request)
    if (token !== undefined) return resolveToken(ctx, token)
    const session = presentedSession(request)
    const user = session === undefined ? undefined : await resolveSession(ctx, session)
    if (!user) return localActor(request, boundToLoopback)
    checkOwnPage(request)
    return user
  }

  server.addHook('onRequest', async (request) => {
    checkSite(request, boundToLoopback)
    const { role, cause } = request.routeOptions.config
    if (request.is404) return
    if (role === undefined) throw new AppError('forbidden', 'This route has no role and is closed.')
    const called = cause ?? `${request.method} ${request.routeOptions.url}`
    request.ctx = {
      ...ctx,
      actor: authorize(await actorOf(request), role, called),
      cause: called,
      requestId: request.id,
      agent: request.headers['user-agent'],
      traceId: traceIdOf(request),
      deadline: deadlineOf(request, ctx),
    }
  })
  server.setErrorHandler((error: Error, request, reply) => sendProblem(request, reply, asAppError(error)))
  server.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new AppError('not_found', `${request.method} ${request.url.split('?')[0]} is not a route.`, {
        hint: 'See /api/v1/openapi.json.',
      }),
    ),
  )

  drainOnClose(server)
  endSlowBodies(server, options.bodyPatience)
  for (const instrument of options.instruments ?? []) await instrument(server, ctx)
  for (const [domain, operations] of Object.entries(api)) {
    for (const [name, operation] of Object.entries(operations)) {
      const door = doors[domain]?.[name] as AnyDoor
      await registerOperation(server, `${domain}.${name}`, operation, door, options.checkReplies ?? false)
    }
  }
  for (const plugin of plugins) await server.register(async (scope) => plugin(scope))
  return server
}

/** Inputs are parsed by the contract, so Fastify need not load compilers of its own. */
function noCompiler(): never {
  throw new Error('A route has a schema of its own; those of the contract are parsed by its operation.')
}

async function registerOperation(
  server: FastifyInstance,
  id: string,
  operation: Operation,
  door: AnyDoor,
  checkReplies: boolean,
): Promise<void> {
  const fromUrl = operation.method === 'GET' || operation.method === 'DELETE' || operation.body === 'bytes'
  const add = (scope: FastifyInstance) =>
    scope.route({
      method: operation.method,
      url: `/api/v1${operation.path}`,
      ...(operation.body === 'bytes' ? {} : { bodyLimit: operation.bodyLimit ?? jsonBodyLimit }),
      config: { role: operation.role, cause: id },
      async handler(request, reply) {
        const input = parse(operation.input, collectInput(request, operation, fromUrl), { coerce: fromUrl })
        const body = operation.body === 'bytes' ? ((request.body as Readable | undefined) ?? request.raw) : undefined
        const result = await answerOf(request, reply, operation, await door(request.ctx, input, body))
        if (operation.reply === 'bytes') {
          return sendBytes(request, reply, result as BytesReply)
        }
        if (checkReplies) parse(operation.output, result, { code: 'internal', what: `The reply of ${id}` })
        return reply.type('application/json').send(exactJson(result ?? {}))
      },
    })
  if (operation.body !== 'bytes') {
    add(server)
    return
  }
  // A scope of its own costs time at the start, so only those have one whose bodies are not parsed.
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    add(scope)
  })
}

/** What begins a session says so beside its output; the text goes into the cookie and nowhere else. */
function answerOf(request: FastifyRequest, reply: FastifyReply, { session }: Operation, result: unknown): unknown {
  if (session === 'ends') setSession(request, reply, undefined)
  if (session !== 'begins') return result
  const begun = result as { output: unknown; session: BegunSession }
  setSession(request, reply, begun.session)
  return begun.output
}

function collectInput(request: FastifyRequest, operation: Operation, fromUrl: boolean): Record<string, unknown> {
  const parameters = request.params as Record<string, string>
  if (fromUrl) return { ...(request.query as Record<string, unknown>), ...parameters }
  const body: unknown = request.body ?? {}
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('invalid_input', 'The body must be a JSON object.')
  }
  if (request.bigInteger !== undefined && !operation.exactIntegers)
    throw invalidInput(`"${request.bigInteger}" holds an integer that a number does not hold exactly.`, {
      name: request.bigInteger,
      hint: 'Write it as a string.',
    })
  if (tooDeep(body)) throw new AppError('invalid_input', 'The body is nested too deeply.')
  const numbers = Object.entries(parameters).map(([name, value]) => [
    name,
    numeric(operation, name) ? Number(value) : value,
  ])
  return { ...body, ...Object.fromEntries(numbers) }
}

function numeric(operation: Operation, name: string): boolean {
  const schema = (operation.input.properties as Record<string, { type?: string }>)[name]
  return schema?.type === 'integer' || schema?.type === 'number'
}
