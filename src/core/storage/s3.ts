import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Config } from '../config.ts'
import { invalidInput } from '../errors.ts'
import { digestOf } from '../json/json.ts'
import { type Blobs, corrupted, expectDigest, noSuchBytes, type Range } from './blobs.ts'
import { blobCache, bytesOf } from './cache.ts'
import { assertDigest, type Blob, type Digest } from './digest.ts'
import { hashOf } from './hashed-file.ts'
import { head, keyOf, known, open, openBucket, type S3Bucket } from './s3-bucket.ts'
import { s3Drafts } from './s3-drafts.ts'
import { failed, uploadFile } from './s3-transfer.ts'

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
  const bucket = await openBucket(url)
  const { s3, client, Bucket, getSignedUrl } = bucket
  const cache = blobCache(cacheFolder, cacheLimit)

  async function existing(digest: Digest): Promise<number> {
    const facts = await head(bucket, digest)
    if (!facts) throw noSuchBytes(digest)
    return facts.size
  }

  async function remote(digest: Digest, range?: Range): Promise<Readable> {
    const stream = await open(bucket, keyOf(bucket, digest), range)
    if (!stream) throw noSuchBytes(digest)
    return stream
  }

  async function put(bytes: Readable | Uint8Array, expected?: Digest): Promise<Blob> {
    const { path, digest, size } = await cache.receive(bytes)
    try {
      expectDigest(digest, expected)
      if (!(await known(bucket, digest, size)))
        await uploadFile(client, { Bucket, Key: keyOf(bucket, digest) }, path, size)
      await cache.keep(path, digest)
      return { digest, size }
    } finally {
      await rm(path, { force: true })
    }
  }

  return {
    put,
    has: async (digest) => (await head(bucket, digest)) !== undefined,
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
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key: keyOf(bucket, digest) })).catch(failed)
      await cache.remove(digest)
    },
    list: () => list(bucket),
    drafts: s3Drafts(bucket, cache),
    downloadUrl: (digest, { seconds, filename, contentType }) =>
      getSignedUrl(
        client,
        new s3.GetObjectCommand({
          Bucket,
          Key: keyOf(bucket, digest),
          ResponseContentType: contentType,
          ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`,
        }),
        { expiresIn: seconds },
      ),
    close: () => client.destroy(),
  }
}

async function* list({ s3, client, Bucket, prefix }: S3Bucket): AsyncIterable<Blob & { storedAt: Date }> {
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
}
