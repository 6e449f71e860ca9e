import type { Readable } from 'node:stream'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { week } from '../../core/duration.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { maximumParts, partBytes } from '../../core/storage/storage.ts'
import { transaction } from '../../core/transaction.ts'
import type { artifacts } from './contract.ts'
import { append } from './events.ts'
import { checkLink, linkTo } from './links.ts'
import type { UploadsTable } from './schema.ts'
import * as store from './uploads-store.ts'

type Operations = typeof artifacts
type Upload = Output<Operations['getUpload']>

const keptMilliseconds = week
const linkSeconds = 6 * 3_600

export async function startUpload(ctx: Context): Promise<Upload> {
  const draft = await ctx.blobs.drafts.begin()
  return transaction(ctx, async (ctx) => {
    const row: UploadsTable = {
      id: ctx.id('upl'),
      draft,
      created_at: ctx.now().toISOString(),
      created_by: ctx.actor.name,
      digest: null,
      size: null,
    }
    await store.insertUpload(ctx, row)
    await append(ctx, 'artifacts.upload_started', `upload/${row.id}`)
    return toUpload(row, [])
  })
}

export async function getUpload(ctx: Context, { upload }: Input<Operations['getUpload']>): Promise<Upload> {
  const row = await require(ctx, upload)
  return toUpload(row, row.digest === null ? await ctx.blobs.drafts.parts(row.draft) : [])
}

export async function putPart(
  ctx: Context,
  { upload, number }: Input<Operations['putPart']>,
  body: Readable,
): Promise<Output<Operations['putPart']>> {
  const { draft } = await requireOpen(ctx, upload)
  return ctx.blobs.drafts.putPart(draft, number, body)
}

/** Completing it again gives the same answer: the reply to the first time may have been lost. */
export async function completeUpload(
  ctx: Context,
  { upload, parts, digest }: Input<Operations['completeUpload']>,
): Promise<Output<Operations['completeUpload']>> {
  const row = await require(ctx, upload)
  if (row.digest !== null && row.size !== null) return { digest: row.digest, size: row.size }
  const wanted = parts ?? (await everyPart(ctx, row.draft))
  const blob = await ctx.blobs.drafts.complete(row.draft, wanted, digest)
  return transaction(ctx, async (ctx) => {
    await store.finishUpload(ctx, upload, blob)
    await append(ctx, 'artifacts.upload_completed', `upload/${upload}`, blob)
    return blob
  })
}

async function everyPart(ctx: Context, draft: string): Promise<{ number: number }[]> {
  const parts = await ctx.blobs.drafts.parts(draft)
  const gap = parts.findIndex(({ number }, index) => number !== index + 1)
  if (gap >= 0) throw invalidInput(`Part ${gap + 1} has not arrived.`, { name: String(gap + 1) })
  return parts
}

export async function abortUpload(
  ctx: Context,
  { upload }: Input<Operations['abortUpload']>,
): Promise<Output<Operations['abortUpload']>> {
  const row = await require(ctx, upload)
  if (row.digest === null) await ctx.blobs.drafts.abort(row.draft)
  await transaction(ctx, async (ctx) => {
    await store.removeUpload(ctx, upload)
    await append(ctx, 'artifacts.upload_aborted', `upload/${upload}`)
  })
  return {}
}

/**
 * Where one part may be sent without a token: a link of the store itself, or a path on this server, signed and expiring.
 * `place` is the path that takes parts.
 */
export async function partLink(
  ctx: Context,
  { upload, number, place }: { upload: string; number: number; place: string },
): Promise<string> {
  const { draft } = await requireOpen(ctx, upload)
  const ofStore = await ctx.blobs.drafts.partUrl?.(draft, number, linkSeconds)
  return ofStore ?? linkTo(ctx, { place, subject: `part/${upload}/${number}`, seconds: linkSeconds })
}

/** Takes a part from whoever holds its link. */
export async function putLinkedPart(
  ctx: Context,
  { upload, number, query }: { upload: string; number: number; query: Record<string, unknown> },
  body: Readable,
): Promise<{ etag: string }> {
  checkLink(ctx, `part/${upload}/${number}`, query)
  return putPart(ctx, { upload, number }, body)
}

/** Drops uploads that nobody went on with; returns how many. */
export async function dropStaleUploads(ctx: Context): Promise<number> {
  const rows = await store.uploadsBefore(ctx, new Date(ctx.now().getTime() - keptMilliseconds).toISOString())
  for (const row of rows) {
    if (row.digest === null) await ctx.blobs.drafts.abort(row.draft)
    await store.removeUpload(ctx, row.id)
  }
  return rows.length
}

export function checkPartNumber(number: number): void {
  if (!Number.isInteger(number) || number < 1 || number > maximumParts)
    throw invalidInput(`A part has a number from 1 to ${maximumParts}.`, { name: String(number) })
}

async function require(ctx: Context, upload: string): Promise<UploadsTable> {
  const row = await store.findUpload(ctx, upload)
  if (!row) throw notFound('Upload', upload)
  return row
}

async function requireOpen(ctx: Context, upload: string): Promise<UploadsTable> {
  const row = await require(ctx, upload)
  if (row.digest !== null) throw notFound('Open upload', upload)
  return row
}

function toUpload(row: UploadsTable, parts: Upload['parts']): Upload {
  return { upload: row.id, partBytes, parts, digest: row.digest, createdAt: row.created_at }
}
