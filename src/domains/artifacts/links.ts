import { timingSafeEqual } from 'node:crypto'
import type { Context } from '../../core/context.ts'
import type { BytesReply, Input, Output } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { sign } from '../../core/secrets.ts'
import { verifying } from '../../core/storage/storage.ts'
import type { artifacts } from './contract.ts'

type Operations = typeof artifacts

const purpose = 'artifacts.link'

/** A path that works for whoever holds it, until it expires. Real time counts, also in a replay: the holder's clock is real. */
export function linkTo(
  ctx: Context,
  { place, subject, seconds }: { place: string; subject: string; seconds: number },
): string {
  const expires = String(Math.floor(ctx.clock.wall() / 1_000) + seconds)
  return `${place}?${new URLSearchParams({ expires, signature: sign(ctx, purpose, `${subject}\n${expires}`) })}`
}

export function checkLink(ctx: Context, subject: string, { expires, signature }: Record<string, unknown>): void {
  const wanted = Buffer.from(sign(ctx, purpose, `${subject}\n${expires}`))
  const given = Buffer.from(String(signature))
  const valid = given.length === wanted.length && timingSafeEqual(given, wanted)
  if (valid && Number(expires) * 1_000 > ctx.clock.wall()) return
  throw new AppError('unauthenticated', 'The link is not valid, or not any more.', { hint: 'Ask for a new one.' })
}

type Link = Input<Operations['linkBlob']> & { contentType?: string }

export async function linkBlob(
  ctx: Context,
  { digest, seconds = 3_600, filename = 'file', contentType = 'application/octet-stream' }: Link,
): Promise<Output<Operations['linkBlob']>> {
  await ctx.blobs.size(digest)
  const ofStore = await ctx.blobs.downloadUrl?.(digest, { seconds, filename, contentType })
  const place = `/api/v1/blobs/${encodeURIComponent(digest)}/linked/${encodeURIComponent(filename)}`
  const url = ofStore ?? linkTo(ctx, { place, subject: `blob/${digest}/${filename}`, seconds })
  return { url, expiresAt: new Date(ctx.clock.wall() + seconds * 1_000).toISOString() }
}

export async function getLinkedBlob(
  ctx: Context,
  { digest, filename, ...query }: Input<Operations['getLinkedBlob']>,
): Promise<BytesReply> {
  checkLink(ctx, `blob/${digest}/${filename}`, query)
  return { ...(await bytesOf(ctx, digest)), filename }
}

export async function bytesOf(ctx: Context, digest: string): Promise<BytesReply> {
  const size = await ctx.blobs.size(digest)
  return {
    stream: async (range) => {
      const stream = await ctx.blobs.read(digest, range)
      return range ? stream : verifying(stream, digest)
    },
    size,
    contentType: 'application/octet-stream',
    etag: digest,
  }
}
