import { createReadStream } from 'node:fs'
import type * as sdk from '@aws-sdk/client-s3'
import { AppError } from '../errors.ts'
import { maximumParts } from './drafts.ts'

type Sdk = typeof sdk
type Target = { Bucket: string; Key: string }

/** One copy request may move 5 GB; larger objects are copied in parts of this size. */
const copyBytes = 1024 ** 3
/** Parts on their way are held in memory: 64 MiB of a file that fits into the most parts that a store takes. */
const uploadBytes = 16 * 1024 * 1024
const atOnce = 4

export function isMissing(error: unknown): boolean {
  return error instanceof Error && ['NotFound', 'NoSuchKey', 'NoSuchUpload'].includes(error.name)
}

/** What the store answered, without anything that it was sent. */
export function onStore(error: unknown): AppError {
  if (error instanceof AppError) return error
  const name = error instanceof Error ? error.name : 'Error'
  return new AppError('upstream_failed', `The object store did not do what it was asked (${name}).`, {
    name: 'blobs',
    hint: 'Check the setting "blobs" and the credentials in the environment of the server.',
    cause: error,
  })
}

type Piece = { number: number; start: number; end: number }

/** Consecutive inclusive ranges that cover `size` bytes. */
function pieces(size: number, length: number): Piece[] {
  return Array.from({ length: Math.max(1, Math.ceil(size / length)) }, (_, index) => ({
    number: index + 1,
    start: index * length,
    end: Math.min(size, (index + 1) * length) - 1,
  }))
}

/** A file goes up in parts, several at once; what had arrived is thrown away when one of them fails. */
export async function uploadFile(client: sdk.S3Client, target: Target, path: string, size: number): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage')
  const partSize = Math.max(uploadBytes, Math.ceil(size / maximumParts))
  const Body = createReadStream(path)
  try {
    await new Upload({ client, params: { ...target, Body, ContentLength: size }, partSize, queueSize: atOnce }).done()
  } catch (error) {
    throw onStore(error)
  } finally {
    Body.destroy()
  }
}

export async function copyObject(
  s3: Sdk,
  client: sdk.S3Client,
  target: Target,
  from: string,
  size: number,
): Promise<void> {
  const CopySource = `${target.Bucket}/${from.split('/').map(encodeURIComponent).join('/')}`
  if (size <= copyBytes) {
    await client.send(new s3.CopyObjectCommand({ ...target, CopySource })).catch(failed)
    return
  }
  await inParts(s3, client, target, pieces(size, copyBytes), async (upload, { number, start, end }) => {
    const CopySourceRange = `bytes=${start}-${end}`
    const sent = await client.send(
      new s3.UploadPartCopyCommand({ ...upload, PartNumber: number, CopySource, CopySourceRange }),
    )
    return sent.CopyPartResult?.ETag
  })
}

type Upload = Target & { UploadId: string }

async function inParts(
  s3: Sdk,
  client: sdk.S3Client,
  target: Target,
  parts: Piece[],
  send: (upload: Upload, piece: Piece) => Promise<string | undefined>,
): Promise<void> {
  const { UploadId = '' } = await client.send(new s3.CreateMultipartUploadCommand(target)).catch(failed)
  const upload = { ...target, UploadId }
  try {
    const Parts: { PartNumber: number; ETag: string }[] = []
    for (const piece of parts) Parts.push({ PartNumber: piece.number, ETag: (await send(upload, piece)) ?? '' })
    await client.send(new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
  } catch (error) {
    await client.send(new s3.AbortMultipartUploadCommand(upload)).catch(failed)
    throw onStore(error)
  }
}

export function failed(error: unknown): never {
  throw onStore(error)
}
