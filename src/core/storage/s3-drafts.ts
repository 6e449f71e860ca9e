import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { notFound } from '../errors.ts'
import { expectDigest } from './blobs.ts'
import type { BlobCache } from './cache.ts'
import { choose, type Drafts, type Part } from './drafts.ts'
import { hashOf } from './hashed-file.ts'
import { keyOf, known, open, type S3Bucket } from './s3-bucket.ts'
import { copyObject, failed, isMissing, onStore } from './s3-transfer.ts'

/** A draft is a multipart upload, named by its key and the store's own name for it. */
export function s3Drafts(bucket: S3Bucket, cache: BlobCache): Drafts {
  const { s3, client, Bucket, prefix, getSignedUrl } = bucket

  async function parts(draft: string): Promise<Part[]> {
    const found: Part[] = []
    for (let marker: string | undefined, more = true; more; ) {
      const command = new s3.ListPartsCommand({
        ...uploadOf(bucket, draft),
        ...(marker ? { PartNumberMarker: marker } : {}),
      })
      const page = await client.send(command).catch((error: unknown) => {
        throw isMissing(error) ? notFound('Upload', draft) : onStore(error)
      })
      for (const { PartNumber = 0, Size = 0, ETag = '' } of page.Parts ?? [])
        found.push({ number: PartNumber, size: Size, etag: ETag.replaceAll('"', '') })
      more = page.IsTruncated ?? false
      marker = page.NextPartNumberMarker
    }
    return found.sort((a, b) => a.number - b.number)
  }

  return {
    async begin() {
      const name = randomUUID()
      const command = new s3.CreateMultipartUploadCommand({ Bucket, Key: `${prefix}drafts/${name}` })
      const { UploadId = '' } = await client.send(command).catch(failed)
      return `${name}.${UploadId}`
    },
    async putPart(draft, number, bytes) {
      const received = await cache.receive(bytes)
      try {
        const command = new s3.UploadPartCommand({
          ...uploadOf(bucket, draft),
          PartNumber: number,
          Body: createReadStream(received.path),
          ContentLength: received.size,
        })
        const { ETag = '' } = await client.send(command).catch(failed)
        return { number, size: received.size, etag: ETag.replaceAll('"', '') }
      } finally {
        await rm(received.path, { force: true })
      }
    },
    parts,
    async complete(draft, wanted, expected) {
      const chosen = choose(await parts(draft), wanted)
      const { Key } = uploadOf(bucket, draft)
      const Parts = chosen.map(({ number, etag }) => ({ PartNumber: number, ETag: `"${etag}"` }))
      const command = new s3.CompleteMultipartUploadCommand({ ...uploadOf(bucket, draft), MultipartUpload: { Parts } })
      await client.send(command).catch(failed)
      try {
        const joined = await open(bucket, Key)
        if (!joined) throw notFound('Upload', draft)
        const digest = await hashOf(joined)
        expectDigest(digest, expected)
        const size = chosen.reduce((sum, part) => sum + part.size, 0)
        if (!(await known(bucket, digest, size)))
          await copyObject(s3, client, { Bucket, Key: keyOf(bucket, digest) }, Key, size)
        return { digest, size }
      } finally {
        await client.send(new s3.DeleteObjectCommand({ Bucket, Key })).catch(failed)
      }
    },
    async abort(draft) {
      await client.send(new s3.AbortMultipartUploadCommand(uploadOf(bucket, draft))).catch((error: unknown) => {
        if (!isMissing(error)) throw onStore(error)
      })
    },
    partUrl: (draft, number, seconds) =>
      getSignedUrl(client, new s3.UploadPartCommand({ ...uploadOf(bucket, draft), PartNumber: number }), {
        expiresIn: seconds,
      }),
  }
}

function uploadOf({ Bucket, prefix }: S3Bucket, draft: string): { Bucket: string; Key: string; UploadId: string } {
  const match = /^([0-9a-f-]{36})\.(.+)$/.exec(draft)
  if (!match?.[1] || !match[2]) throw notFound('Upload', draft)
  return { Bucket, Key: `${prefix}drafts/${match[1]}`, UploadId: match[2] }
}
