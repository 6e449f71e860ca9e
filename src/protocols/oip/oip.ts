import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, invalidInput } from '../../core/errors.ts'
import { marksField } from '../../domains/registry/registry.ts'
import * as serving from '../../domains/serving/serving.ts'
import { asAppError, retryAfter } from '../../http/problems.ts'
import { version as productVersion } from '../../version.ts'
import { asObject, type Json, parseJson } from '../json-body.ts'
import { unpack } from '../packed-body.ts'
import { kserveRoutes } from './kserve-v1.ts'
import { readTensor, toBinary, toRows } from './tensors.ts'

const config = (name: string) => ({ role: 'viewer', cause: `oip.${name}` }) as const
const open = (name: string) => ({ role: 'anyone', cause: `oip.${name}` }) as const
const maxBody = 64 * 1024 * 1024
const headerLength = 'inference-header-content-length'

type ModelReference = { model: string; version?: string }

/** The Open Inference Protocol, version 2, over HTTP (KServe, Triton and MLServer clients), and KServe's version 1. */
export async function oipRoutes(server: FastifyInstance): Promise<void> {
  server.setErrorHandler((error: Error, request, reply) => sendError(request, reply, error))
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxBody }, (request, body: Buffer, done) => {
    const encoding = request.headers['content-encoding']
    if (encoding === undefined) done(null, body)
    else unpack(body, encoding).then((unpacked) => done(null, unpacked), done)
  })
  kserveRoutes(server)
  server.get('/v2', { config: config('server') }, () => ({
    name: 'evenkeel',
    version: productVersion,
    extensions: ['binary_tensor_data'],
  }))
  server.get('/v2/health/live', { config: open('live') }, (_request, reply) => reply.code(200).send())
  server.get('/v2/health/ready', { config: open('ready') }, ({ ctx }, reply) => {
    if (serving.isStarted(ctx)) return reply.code(200).send()
    return reply.code(503).header('retry-after', '1').send()
  })
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    server.get(path, { config: config('metadata') }, (request) => metadata(request))
    server.get(`${path}/ready`, { config: config('model_ready') }, (request, reply) =>
      reply.code(signature(request).ready ? 200 : 400).send(),
    )
    server.post(`${path}/infer`, { config: config('infer'), bodyLimit: maxBody }, (request, reply) =>
      infer(request, reply),
    )
  }
}

function sendError(request: FastifyRequest, reply: FastifyReply, thrown: Error): FastifyReply {
  const error = asAppError(thrown)
  retryAfter(reply, error)
  if (error.status >= 500) request.log.error({ err: thrown, requestId: request.id }, thrown.message)
  const text =
    error.code === 'internal' ? 'Something unexpected happened.' : [error.message, error.hint].filter(Boolean).join(' ')
  return reply
    .code(error.status)
    .type('application/json')
    .send(JSON.stringify({ error: text }))
}

function signature(request: FastifyRequest): serving.Signature {
  const { model, version } = request.params as ModelReference
  if (version !== undefined && !/^\d{1,9}$/.test(version))
    throw invalidInput(`"${version}" is not a version.`, { name: version })
  return serving.signatureOf(request.ctx, {
    endpoint: model,
    version: version === undefined ? undefined : Number(version),
  })
}

function metadata(request: FastifyRequest) {
  const { endpoint, version, inputs } = signature(request)
  return {
    name: endpoint,
    versions: [String(version)],
    platform: 'onnx',
    inputs: inputs.map(({ name, type }) => ({ name, datatype: type === 'string' ? 'BYTES' : 'FP64', shape: [-1, 1] })),
    outputs: [{ name: 'output', datatype: 'FP64', shape: [-1, 1] }],
  }
}

/** JSON alone, or JSON followed by the bytes of tensors. */
function split(request: FastifyRequest): { head: Json; takeBinary: (size: number) => Buffer; rest: () => number } {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const given = request.headers[headerLength]
  const length = given === undefined ? body.length : Number(given)
  if (!Number.isSafeInteger(length) || length < 0 || length > body.length)
    throw invalidInput(`"${headerLength}" is not a length within the body.`, { name: headerLength })
  let at = length
  return {
    head: parseJson(body.subarray(0, length)),
    takeBinary(size) {
      if (at + size > body.length)
        throw invalidInput('The body ends before its binary tensors do.', { name: 'binary_data_size' })
      at += size
      return body.subarray(at - size, at)
    },
    rest: () => body.length - at,
  }
}

async function infer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { endpoint, version, inputs: fields } = signature(request)
  const { head, takeBinary, rest } = split(request)
  if (!Array.isArray(head['inputs']) || head['inputs'].length === 0)
    throw invalidInput('"inputs" must be a list of tensors.', { name: 'inputs' })
  const tensors = head['inputs'].map((tensor: unknown, index) =>
    readTensor(asObject(tensor, `inputs[${index}]`), index, takeBinary),
  )
  if (rest() > 0) throw invalidInput(`${rest()} bytes follow the last tensor.`, { name: 'binary_data_size' })
  const id = head['id'] === undefined ? undefined : text(head['id'], 'id')
  const unit = parameters(head)['unit']
  const binary = wantsBinary(head)
  const found = await serving.predictRows(request.ctx, {
    endpoint,
    rows: toRows(tensors, fields),
    id: id || undefined,
    unit: typeof unit === 'string' && unit !== '' ? unit : undefined,
  })
  const marks = marksField(found.marks)
  const answer = {
    model_name: endpoint,
    model_version: String(version),
    id: id ?? found.ids[0],
    parameters: {
      release: [...new Set(found.releases)].join(','),
      ...(marks === undefined ? {} : { marks }),
    },
  }
  const shape = [found.outputs.length, 1]
  const { datatype, bytes } = toBinary(found.outputs)
  if (!binary) return reply.send({ ...answer, outputs: [{ name: 'output', shape, datatype, data: found.outputs }] })
  const outputs = [{ name: 'output', shape, datatype, parameters: { binary_data_size: bytes.length } }]
  const start = Buffer.from(JSON.stringify({ ...answer, outputs }))
  return reply
    .type('application/octet-stream')
    .header(headerLength, String(start.length))
    .send(Buffer.concat([start, bytes]))
}

function wantsBinary(head: Json): boolean {
  const wanted = Array.isArray(head['outputs'])
    ? head['outputs'].map((output: unknown, index) => asObject(output, `outputs[${index}]`))
    : []
  const unknown = wanted.find(({ name }) => name !== 'output')
  if (unknown)
    throw new AppError('invalid_input', `The model has no output ${JSON.stringify(unknown['name'])}.`, {
      hint: 'Its name is "output".',
    })
  return (
    parameters(head)['binary_data_output'] === true ||
    wanted.some((output) => parameters(output)['binary_data'] === true)
  )
}

function parameters(of: Json): Json {
  return of['parameters'] === undefined || of['parameters'] === null ? {} : asObject(of['parameters'], 'parameters')
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.length > 128)
    throw invalidInput(`"${name}" must be a string of at most 128 characters.`, { name })
  return value
}
