import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, invalidInput } from '../../core/errors.ts'
import { openCsvText } from '../../core/tables/tables.ts'
import { marksField } from '../../domains/registry/registry.ts'
import * as serving from '../../domains/serving/serving.ts'
import { asAppError, retryAfter } from '../../http/problems.ts'
import { asList, asObject, type Json, parseJson } from '../json-body.ts'
import { mlflowVersion } from '../mlflow/mlflow.ts'
import { ofColumns, ofList, toInstances } from './instances.ts'

const maxBody = 64 * 1024 * 1024

/** What MLflow's scoring server speaks, for each endpoint below a path of its own. */
export async function scoringRoutes(server: FastifyInstance): Promise<void> {
  server.setErrorHandler((error: Error, request, reply) => sendError(request, reply, error))
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'string', bodyLimit: maxBody }, (_request, body, done) =>
    done(null, body),
  )
  const config = (name: string) => ({ role: 'viewer', cause: `scoring.${name}` }) as const
  for (const name of ['ping', 'health'])
    server.get(`/serve/:endpoint/${name}`, { config: config(name) }, (request, reply) => {
      const { ready } = serving.signatureOf(request.ctx, request.params as { endpoint: string })
      return reply
        .code(ready ? 200 : 503)
        .type('application/json')
        .send('\n')
    })
  server.get('/serve/:endpoint/version', { config: config('version') }, (_request, reply) =>
    reply.type('text/plain').send(mlflowVersion),
  )
  server.post(
    '/serve/:endpoint/invocations',
    { config: config('invocations'), bodyLimit: maxBody },
    async (request, reply) => {
      const { endpoint } = request.params as { endpoint: string }
      const { inputs } = serving.signatureOf(request.ctx, { endpoint })
      const rows = await readRows(request, inputs)
      const { outputs, marks } = await serving.predictRows(request.ctx, { endpoint, rows })
      const field = marksField(marks)
      if (field !== undefined) reply.header(serving.marksHeader, field)
      return { predictions: outputs }
    },
  )
}

function sendError(request: FastifyRequest, reply: FastifyReply, thrown: Error): FastifyReply {
  const error = asAppError(thrown)
  retryAfter(reply, error)
  if (error.status >= 500) request.log.error({ err: thrown, requestId: request.id }, thrown.message)
  const message =
    error.code === 'internal' ? 'Something unexpected happened.' : [error.message, error.hint].filter(Boolean).join(' ')
  const code = error.status === 404 ? 'RESOURCE_DOES_NOT_EXIST' : error.status >= 500 ? 'INTERNAL_ERROR' : 'BAD_REQUEST'
  return reply
    .code(error.status)
    .type('application/json')
    .send(JSON.stringify({ error_code: code, message }))
}

/** A content type with nothing beside it but the charset UTF-8. */
function contentType(request: FastifyRequest): string {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase())
  for (const parameter of parameters)
    if (!/^charset="?utf-8"?$/.test(parameter))
      throw new AppError('unsupported_media_type', `"${parameter}" is not read here.`, {
        name: 'content-type',
        hint: 'Only charset=utf-8 may stand beside the type.',
      })
  return type
}

const forms = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const

async function readRows(request: FastifyRequest, fields: serving.Signature['inputs']): Promise<Json[]> {
  const type = contentType(request)
  const text = String(request.body ?? '')
  if (type === 'text/csv') return csvRows(text, fields)
  if (type !== 'application/json' && type !== 'application/json+split')
    throw new AppError('unsupported_media_type', `"${type}" is not read here.`, {
      name: 'content-type',
      hint: 'Use application/json or text/csv.',
    })
  const body = parseJson(text)
  const given = forms.filter((form) => body[form] !== undefined)
  const [form] = given
  if (form === undefined || given.length > 1)
    throw invalidInput(
      `Exactly one of ${forms.join(', ')} must be given, not ${given.length === 0 ? 'none' : given.join(' and ')}.`,
      { name: 'body' },
    )
  const value = body[form]
  if (form === 'dataframe_split') return ofSplit(asObject(value, form))
  if (form === 'dataframe_records') return asList(value, form).map((row, index) => asObject(row, `${form}[${index}]`))
  if (Array.isArray(value)) return toInstances(value, fields, form)
  return ofColumns(asObject(value, form), form)
}

/** In CSV everything is text, and the model says what it is; a value that is something else is refused as by any other door. */
async function csvRows(text: string, fields: serving.Signature['inputs']): Promise<Json[]> {
  const types = new Map(fields.map(({ name, type }) => [name, type]))
  const table = await openCsvText(text, { shown: 'The body', separator: ',', types, lenient: true })
  const rows: Json[] = []
  for await (const batch of table.read()) rows.push(...batch)
  return rows
}

function ofSplit(split: Json): Json[] {
  const columns = asList(split['columns'], 'dataframe_split.columns').map((name) => ({ name: String(name) }))
  const twice = columns.find(({ name }, index) => columns.findIndex((column) => column.name === name) < index)
  if (twice) throw invalidInput(`The column "${twice.name}" is given twice.`, { name: twice.name })
  return asList(split['data'], 'dataframe_split.data').map((row, index) => {
    const path = `dataframe_split.data[${index}]`
    return ofList(asList(row, path), columns, path)
  })
}
