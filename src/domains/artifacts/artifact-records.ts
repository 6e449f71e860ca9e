import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { nextOf } from '../../core/paging.ts'
import { transaction } from '../../core/transaction.ts'
import type { artifacts } from './contract.ts'
import { append } from './events.ts'
import { manifest } from './rules.ts'
import * as store from './store.ts'

type Operations = typeof artifacts

type Artifact = Output<Operations['get']>

export async function create(ctx: Context, input: Input<Operations['create']>): Promise<Artifact> {
  const { files, size, digest } = manifest(input.files)
  for (const file of files) {
    if (!(await ctx.blobs.has(file.digest))) {
      throw notFound('Blob', file.digest, `Upload the bytes of "${file.path}" first: PUT /api/v1/blobs.`)
    }
    const stored = await ctx.blobs.size(file.digest)
    if (stored !== file.size)
      throw invalidInput(`"${file.path}" has ${stored} bytes, not ${file.size}.`, { name: file.path })
  }
  return transaction(ctx, async (ctx) => {
    const known = await store.find(ctx, digest)
    if (known) return toArtifact(known)
    const row: store.ArtifactRecord = {
      digest,
      size,
      files,
      created_at: ctx.now().toISOString(),
      created_by: ctx.actor.name,
      position: ctx.id('art'),
    }
    await store.insert(ctx, row)
    await append(ctx, 'artifacts.created', `artifact/${digest}`, { files: files.length, size })
    return toArtifact(row)
  })
}

export async function get(ctx: Context, { digest }: Input<Operations['get']>): Promise<Artifact> {
  const row = await store.find(ctx, digest)
  if (!row) throw notFound('Artifact', digest, 'List them with "keel artifacts list".')
  return toArtifact(row)
}

export async function list(
  ctx: Context,
  { limit = 100, cursor }: Input<Operations['list']>,
): Promise<Output<Operations['list']>> {
  const rows = await store.list(ctx, cursor, limit)
  return { items: rows.map(toArtifact), ...nextOf(rows, limit, ({ position }) => position) }
}

export async function verify(
  ctx: Context,
  { digest }: Input<Operations['verify']>,
): Promise<Output<Operations['verify']>> {
  const { files } = await get(ctx, { digest })
  const damaged: string[] = []
  for (const file of files) {
    if (!(await ctx.blobs.has(file.digest)) || !(await ctx.blobs.verify(file.digest))) damaged.push(file.path)
  }
  return { digest, ok: damaged.length === 0, damaged }
}

function toArtifact(row: store.ArtifactRecord): Artifact {
  return { digest: row.digest, size: row.size, files: row.files, createdAt: row.created_at }
}
