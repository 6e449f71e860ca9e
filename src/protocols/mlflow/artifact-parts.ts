import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Role } from '../../core/context.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import * as artifacts from '../../domains/artifacts/artifacts.ts'
import { checked, keeping, pathOf } from './artifact-paths.ts'
import { contentTypeOf } from './content-types.ts'
import { invalid, missing, orSay } from './errors.ts'
import * as input from './input.ts'

const bases = ['/api/2.0/mlflow-artifacts', '/ajax-api/2.0/mlflow-artifacts']
const linkSeconds = 3_600

function config(role: Role | 'anyone') {
  return { config: { role, cause: 'mlflow.artifacts' } } as const
}

/** Uploads in parts, as MLflow's clients do them: JSON to begin and end, links for the parts. */
export function artifactPartRoutes(server: FastifyInstance): void {
  for (const base of bases) {
    server.post(`${base}/mpu/create/*`, config('member'), (request) => create(request))
    server.post(`${base}/mpu/complete/*`, config('member'), (request) => complete(request))
    server.post(`${base}/mpu/abort/*`, config('member'), (request) => abort(request))
    server.get(`${base}/presigned/*`, config('viewer'), (request) => presigned(request))
  }
}

/** Takes the bytes of a part from whoever holds its link: clients send no other credentials with it. */
export function artifactPartUpload(files: FastifyInstance): void {
  for (const base of bases) {
    files.put(`${base}/parts/:upload/:number`, config('anyone'), async (request, reply) => {
      const { upload, number } = request.params as { upload: string; number: string }
      const query = request.query as Record<string, unknown>
      const body = (request.body as Readable | null | undefined) ?? request.raw
      const { etag } = await artifacts.putLinkedPart(request.ctx, { upload, number: Number(number), query }, body)
      return reply.header('etag', `"${etag}"`).type('application/json').send('{}')
    })
  }
}

async function create(request: FastifyRequest): Promise<object> {
  const fields = fieldsOf(request)
  targetOf(request, fields)
  const count = input.optionalInteger(fields, 'num_parts') ?? 1
  artifacts.checkPartNumber(count)
  const { upload } = await artifacts.startUpload(request.ctx)
  const credentials: object[] = []
  for (let number = 1; number <= count; number++) {
    const place = `${bases[0]}/parts/${upload}/${number}`
    const url = await artifacts.partLink(request.ctx, { upload, number, place })
    credentials.push({ url: absolute(request, url), part_number: number, headers: {} })
  }
  return { upload_id: upload, credentials }
}

async function complete(request: FastifyRequest): Promise<object> {
  const fields = fieldsOf(request)
  const path = targetOf(request, fields)
  const upload = input.text(fields, 'upload_id', { max: 128 })
  const parts = input.objects(fields, 'parts').map((part) => {
    const etag = input.optionalText(part, 'etag', { max: 200 })
    return withoutUndefined({ number: input.integer(part, 'part_number'), etag: etag || undefined })
  })
  const blob = await onUpload(upload, artifacts.completeUpload(request.ctx, { upload, parts }))
  await keeping(artifacts.bindFile(request.ctx, { path, ...blob }))
  return {}
}

async function abort(request: FastifyRequest): Promise<object> {
  const fields = fieldsOf(request)
  targetOf(request, fields)
  const upload = input.text(fields, 'upload_id', { max: 128 })
  await onUpload(upload, artifacts.abortUpload(request.ctx, { upload }))
  return {}
}

/** A link to the bytes of a file, from which clients read ranges in parallel. */
async function presigned(request: FastifyRequest): Promise<object> {
  const path = checked(pathOf(request))
  const found = keeping(artifacts.getFile(request.ctx, { path }))
  const { digest, size } = await orSay(found, 'not_found', () => missing(`No such artifact: '${path}'`))
  const filename = path.split('/').at(-1) ?? 'file'
  const contentType = contentTypeOf(filename)
  const { url } = await artifacts.linkBlob(request.ctx, { digest, seconds: linkSeconds, filename, contentType })
  return { url: absolute(request, url), headers: {}, file_size: size }
}

/** The folder is in the URL, the name is that of the file on the client's machine, whatever its system. */
function targetOf(request: FastifyRequest, fields: input.Fields): string {
  const name = input.text(fields, 'path', { max: 4096 }).split(/[/\\]/).at(-1) ?? ''
  const folder = checked(pathOf(request))
  if (name === '') throw invalid('Invalid path')
  return checked(folder === '' ? name : `${folder}/${name}`)
}

function fieldsOf(request: FastifyRequest): input.Fields {
  return (request.body as input.Fields | null | undefined) ?? {}
}

function onUpload<T>(upload: string, work: Promise<T>): Promise<T> {
  return orSay(work, 'not_found', () => missing(`No such upload: '${upload}'`))
}

function absolute(request: FastifyRequest, url: string): string {
  return url.startsWith('/') ? `${request.protocol}://${request.host}${url}` : url
}
