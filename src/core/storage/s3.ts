import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import type { Config } from '../config.ts'
import { hour } from '../duration.ts'
import { invalidInput, notFound } from '../errors.ts'
import { type Blobs, corrupted, expectDigest, noSuchBytes } from './blobs.ts'
import { blobCache, bytesOf } from './cache.ts'
import { assertDigest, type Blob, type Digest, digestOf } from './digest.ts'
import { choose, type Drafts } from './drafts.ts'
import { hashOf } from './hashed-file.ts'
import { copyObject, isMissing, onStore, uploadFile } from './s3-transfer.ts'

type Place = { bucket: string; prefix: string; endpoint: string | undefined; region: string }

/** Within this time a blob that is put again keeps its date; after it, the date is refreshed, so that nobody takes it for old. */
const freshMilliseconds = hour

/** `s3://bucket/prefix?endpoint=http://…&region=…`. Credentials come from the environment only, as AWS's tools find them. */
function parsePlace(url: string): Place {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 's3:' || parsed.host === '' || parsed.username !== '')
    throw invalidInput(`The setting "blobs" is "${url}", not s3://bucket/prefix.`, { name: 'blobs' })
  const prefix = decodeURIComponent(parsed.pathname).replace(/^\/+|\/+$/g, '')
  return {
    bucket: parsed.host,
    prefix: prefix === '' ? '' : `${prefix}/`,
    endpoint: parsed.searchParams.get('endpoint') ?? undefined,
    region: parsed.searchParams.get('region') ?? 'us-east-1',
  }
}

/** By the settings `blobs` and `cache`. */
export async function openS3({ blobs, cache }: Config, cacheFolder: string): Promise<Blobs> {
  const cacheLimit = bytesOf(cache)
  if (cacheLimit === undefined)
    throw invalidInput(`The setting "cache" is "${cache}", not a size.`, { name: 'cache', hint: 'Write it as 10GB.' })
  return s3Blobs(blobs, { cacheFolder, cacheLimit })
}

type Options = { cacheFolder: string; cacheLimit: number }

/** Content-addressed bytes in an S3 bucket, with local copies of what is used. */
export async function s3Blobs(url: string, { cacheFolder, cacheLimit }: Options): Promise<Blobs & { close(): void }> {
  const { bucket: Bucket, prefix, endpoint, region } = parsePlace(url)
  const s3 = await import('@aws-sdk/client-s3')
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
  const client: S3Client = new s3.S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const cache = blobCache(cacheFolder, cacheLimit)

  function keyOf(digest: Digest): string {
    const hex = assertDigest(digest).slice('sha256:'.length)
    return `${prefix}blobs/${hex.slice(0, 2)}/${hex}`
  }

  async function head(digest: Digest): Promise<{ size: number; storedAt: Date } | undefined> {
    const Key = keyOf(digest)
    try {
      const { ContentLength, LastModified } = await client.send(new s3.HeadObjectCommand({ Bucket, Key }))
      return { size: ContentLength ?? 0, storedAt: LastModified ?? new Date(0) }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw onStore(error)
    }
  }

  async function existing(digest: Digest): Promise<number> {
    const facts = await head(digest)
    if (!facts) throw noSuchBytes(digest)
    return facts.size
  }

  async function open(key: string, range?: { start: number; end: number }): Promise<Readable | undefined> {
    const Range = range && `bytes=${range.start}-${range.end}`
    try {
      const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key: key, ...(Range ? { Range } : {}) }))
      if (!(Body instanceof Readable)) throw new Error('The object store sent no body.')
      return Body
    } catch (error) {
      if (isMissing(error)) return undefined
      throw onStore(error)
    }
  }

  async function remote(digest: Digest, range?: { start: number; end: number }): Promise<Readable> {
    const stream = await open(keyOf(digest), range)
    if (!stream) throw noSuchBytes(digest)
    return stream
  }

  /** True when the bytes are there and young enough to be left alone. */
  async function known(digest: Digest, size: number): Promise<boolean> {
    const facts = await head(digest)
    return facts?.size === size && Date.now() - facts.storedAt.getTime() < freshMilliseconds
  }

  async function put(bytes: Readable | Uint8Array, expected?: Digest): Promise<Blob> {
    const { path, digest, size } = await cache.receive(bytes)
    try {
      expectDigest(digest, expected)
      if (!(await known(digest, size))) await uploadFile(client, { Bucket, Key: keyOf(digest) }, path, size)
      await cache.keep(path, digest)
      return { digest, size }
    } finally {
      await rm(path, { force: true })
    }
  }

  const drafts: Drafts = {
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
          ...uploadOf(draft),
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
    async parts(draft) {
      const found: { number: number; size: number; etag: string }[] = []
      for (let marker: string | undefined, more = true; more; ) {
        const command = new s3.ListPartsCommand({ ...uploadOf(draft), ...(marker ? { PartNumberMarker: marker } : {}) })
        const page = await client.send(command).catch((error: unknown) => {
          throw isMissing(error) ? notFound('Upload', draft) : onStore(error)
        })
        for (const { PartNumber = 0, Size = 0, ETag = '' } of page.Parts ?? [])
          found.push({ number: PartNumber, size: Size, etag: ETag.replaceAll('"', '') })
        more = page.IsTruncated ?? false
        marker = page.NextPartNumberMarker
      }
      return found.sort((a, b) => a.number - b.number)
    },
    async complete(draft, wanted, expected) {
      const chosen = choose(await drafts.parts(draft), wanted)
      const { Key } = uploadOf(draft)
      const Parts = chosen.map(({ number, etag }) => ({ PartNumber: number, ETag: `"${etag}"` }))
      const command = new s3.CompleteMultipartUploadCommand({ ...uploadOf(draft), MultipartUpload: { Parts } })
      await client.send(command).catch(failed)
      try {
        const joined = await open(Key)
        if (!joined) throw notFound('Upload', draft)
        const digest = await hashOf(joined)
        expectDigest(digest, expected)
        const size = chosen.reduce((sum, part) => sum + part.size, 0)
        if (!(await known(digest, size))) await copyObject(s3, client, { Bucket, Key: keyOf(digest) }, Key, size)
        return { digest, size }
      } finally {
        await client.send(new s3.DeleteObjectCommand({ Bucket, Key })).catch(failed)
      }
    },
    async abort(draft) {
      await client.send(new s3.AbortMultipartUploadCommand(uploadOf(draft))).catch((error: unknown) => {
        if (!isMissing(error)) throw onStore(error)
      })
    },
    partUrl: (draft, number, seconds) =>
      getSignedUrl(client, new s3.UploadPartCommand({ ...uploadOf(draft), PartNumber: number }), {
        expiresIn: seconds,
      }),
  }

  function uploadOf(draft: string): { Bucket: string; Key: string; UploadId: string } {
    const match = /^([0-9a-f-]{36})\.(.+)$/.exec(draft)
    if (!match?.[1] || !match[2]) throw notFound('Upload', draft)
    return { Bucket, Key: `${prefix}drafts/${match[1]}`, UploadId: match[2] }
  }

  return {
    put,
    has: async (digest) => (await head(digest)) !== undefined,
    size: existing,
    async read(digest, range) {
      const path = await cache.find(assertDigest(digest))
      return path === undefined ? remote(digest, range) : createReadStream(path, range)
    },
    async readVerified(digest) {
      const bytes = Buffer.concat(await (await remote(digest)).toArray())
      if (digestOf(bytes) !== digest) throw corrupted(digest)
      return bytes
    },
    localPath: (digest) => cache.fetch(assertDigest(digest), () => remote(digest)),
    verify: async (digest) => (await hashOf(await remote(digest))) === digest,
    async remove(digest) {
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key: keyOf(digest) })).catch(failed)
      await cache.remove(digest)
    },
    async *list() {
      for (let token: string | undefined, more = true; more; ) {
        const command = new s3.ListObjectsV2Command({
          Bucket,
          Prefix: `${prefix}blobs/`,
          ...(token ? { ContinuationToken: token } : {}),
        })
        const page = await client.send(command).catch(failed)
        for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.Contents ?? [])
          yield { digest: `sha256:${Key.split('/').at(-1)}`, size: Size, storedAt: LastModified }
        more = page.IsTruncated ?? false
        token = page.NextContinuationToken
      }
    },
    drafts,
    downloadUrl: (digest, { seconds, filename, contentType }) =>
      getSignedUrl(
        client,
        new s3.GetObjectCommand({
          Bucket,
          Key: keyOf(digest),
          ResponseContentType: contentType,
          ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`,
        }),
        { expiresIn: seconds },
      ),
    close: () => client.destroy(),
  }
}

function failed(error: unknown): never {
  throw onStore(error)
}
