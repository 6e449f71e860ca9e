import type { Readable } from 'node:stream'
import type { Context } from '../../core/context.ts'
import type { BytesReply, Input, Output } from '../../core/contract.ts'
import type { artifacts } from './contract.ts'
import { bytesOf } from './links.ts'

type Operations = typeof artifacts

export function putBlob(
  ctx: Context,
  { digest }: Input<Operations['putBlob']>,
  body: Readable,
): Promise<Output<Operations['putBlob']>> {
  return ctx.blobs.put(body, digest)
}

export function getBlob(ctx: Context, { digest }: Input<Operations['getBlob']>): Promise<BytesReply> {
  return bytesOf(ctx, digest)
}
