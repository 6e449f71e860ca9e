import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../core/context.ts'
import * as artifacts from '../../domains/artifacts/artifacts.ts'
import * as runs from '../../domains/runs/runs.ts'
import { sendBytes } from '../../http/bytes.ts'
import { artifactPartUpload } from './artifact-parts.ts'
import { checked, keeping, pathOf } from './artifact-paths.ts'
import { contentTypeOf } from './content-types.ts'
import { invalid, missing, orSay } from './errors.ts'
import { type Fields, optionalText, runId, text } from './input.ts'
import { proxiedPath } from './locations.ts'
import { onModel } from './logged-models.ts'
import { onRun } from './run-calls.ts'
import { list } from './views.ts'

/** The artifact proxy: a tree of files over content-addressed bytes. No path of a caller ever meets the file system. */
export function artifactRoutes(server: FastifyInstance): void {
  const read = { config: { role: 'viewer', cause: 'mlflow.artifacts' } } as const
  const write = { config: { role: 'member', cause: 'mlflow.artifacts' } } as const
  for (const base of ['/api/2.0/mlflow-artifacts', '/ajax-api/2.0/mlflow-artifacts']) {
    server.get(`${base}/artifacts`, read, (request, reply) =>
      sendFolder(request, reply, (request.query as Fields)['path']),
    )
    server.get(`${base}/artifacts/*`, read, (request, reply) => sendFile(request, reply, pathOf(request)))
    server.put(`${base}/artifacts/*`, write, async (request, reply) => {
      const body = (request.body as Readable | null | undefined) ?? request.raw
      await keeping(artifacts.putFile(request.ctx, { path: checked(pathOf(request)) }, body))
      return reply.type('application/json').send('{}')
    })
    server.delete(`${base}/artifacts/*`, write, async (request, reply) => {
      await keeping(artifacts.deleteFiles(request.ctx, { path: checked(pathOf(request)) }))
      return reply.type('application/json').send('{}')
    })
  }
  artifactPartUpload(server)
  for (const base of ['/api/2.0/mlflow', '/ajax-api/2.0/mlflow']) {
    server.get(`${base}/artifacts/list`, read, (request) => runArtifacts(request))
    server.get(`${base}/logged-models/:model_id/artifacts/directories`, read, (request) => modelArtifacts(request))
  }
  server.get('/get-artifact', read, async (request, reply) => {
    const { location } = await runOf(request)
    return sendFile(request, reply, inside(location, text(request.query as Fields, 'path')))
  })
}

async function sendFile(request: FastifyRequest, reply: FastifyReply, given: string): Promise<FastifyReply> {
  const path = checked(given)
  const file = await keeping(
    orSay(artifacts.getFile(request.ctx, { path }), 'not_found', () => missing(`No such artifact: '${path}'`)),
  )
  const filename = path.split('/').at(-1) ?? 'file'
  const bytes = await artifacts.bytesOf(request.ctx, file.digest)
  return sendBytes(request, reply, { ...bytes, contentType: contentTypeOf(filename), filename })
}

async function sendFolder(request: FastifyRequest, reply: FastifyReply, given: unknown): Promise<FastifyReply> {
  const path = checked(optionalText({ path: given }, 'path') ?? '')
  const files = await filesOf(request.ctx, path, (below) => below.slice(path === '' ? 0 : path.length + 1))
  return reply.type('application/json').send(JSON.stringify(files))
}

async function filesOf(ctx: Context, folder: string, name: (path: string) => string): Promise<object> {
  const found = await keeping(artifacts.listFolder(ctx, { path: folder }))
  return list(
    'files',
    found.map(({ path, size }) => ({
      path: name(path),
      is_dir: size === undefined,
      ...(size === undefined ? {} : { file_size: size }),
    })),
  )
}

async function runOf(request: FastifyRequest): Promise<runs.RunInfo> {
  const id = runId(request.query as Fields)
  return onRun(id, runs.getRunInfo(request.ctx, id))
}

function inside(location: string, path: string): string {
  const root = proxiedPath(location)
  if (root === undefined)
    throw invalid('The artifacts of this run are kept elsewhere; ask the store that its artifact_uri names.')
  return path === '' ? root : `${root}/${checked(path)}`
}

async function runArtifacts(request: FastifyRequest): Promise<object> {
  const run = await runOf(request)
  return { root_uri: run.location, ...(await below(request, run.location)) }
}

async function modelArtifacts(request: FastifyRequest): Promise<object> {
  const id = (request.params as { model_id: string }).model_id
  const model = await onModel(id, runs.getLoggedModel(request.ctx, id))
  return { root_uri: model.location, ...(await below(request, model.location)) }
}

async function below(request: FastifyRequest, location: string): Promise<object> {
  const query = request.query as Fields
  const path = optionalText(query, 'path') ?? optionalText(query, 'artifact_directory_path') ?? ''
  const root = inside(location, '')
  return filesOf(request.ctx, inside(location, path), (file) => file.slice(root.length + 1))
}
